/// What one thread needs to make the frames of tensors: a zstd context and buffers that are used
/// again.
struct FrameEncoder: ~Copyable {
  /// One frame's part of a tensor.
  struct Piece {
    var cut: Int
    /// Which of how many planes; `0` of `1` is the elements as they are.
    var plane: Int
    var planes: Int
  }

  private let path: String
  private let level: Int
  private let encoder: ZstdEncoder
  private var elements = ByteBuffer(budget: MemoryBudget())
  private var extracted = ByteBuffer(budget: MemoryBudget())

  /// `path` is the file that is written, for errors.
  init(path: String, level: Int) throws(ModelError) {
    do throws(ZstdProblem) {
      encoder = try ZstdEncoder()
    } catch {
      throw ModelError(.outOfMemory, path: path, problem: error.problem)
    }
    self.path = path
    self.level = level
  }

  /// A frame that holds `bytes`.
  func encode(_ bytes: UnsafeRawBufferPointer) throws(ModelError) -> [UInt8] {
    try encode(bytes, level: level)
  }

  /// A frame that holds a piece of a tensor.
  mutating func encode(_ piece: Piece, of source: TensorSource) throws(ModelError) -> [UInt8] {
    try encode(bytes(of: piece, source), level: level)
  }

  /// How many planes a tensor is best stored as: as many as its type has, or 1, whichever gives the
  /// smaller frames for a sample of its rows.
  mutating func bestPlanes(for source: TensorSource) throws(ModelError) -> Int {
    let planes = BytePlanes.count(for: source.tensor.dtype)
    guard planes > 1, let last = source.cuts.indices.last else { return 1 }
    // High levels take long and change little.
    let level = min(level, WeightFileWriter.defaultLevel)
    var (apart, together) = (0, 0)
    for cut in Set([0, (last + 1) / 2]) {
      let whole = Piece(cut: cut, plane: 0, planes: 1)
      together += try encode(bytes(of: whole, source), level: level).count
      for plane in 0..<planes {
        let piece = Piece(cut: cut, plane: plane, planes: planes)
        apart += try encode(bytes(of: piece, source), level: level).count
      }
    }
    return apart < together ? planes : 1
  }

  private mutating func bytes(
    of piece: Piece, _ source: TensorSource
  ) throws(ModelError) -> UnsafeRawBufferPointer {
    let whole = UnsafeRawBufferPointer(try source.elements(piece.cut, in: &elements))
    guard piece.planes > 1 else { return whole }
    let target = try extracted.room(
      for: whole.count / piece.planes, path: path, place: "tensor \(source.tensor.name)")
    BytePlanes.extract(piece.plane, of: piece.planes, from: whole, into: target)
    return UnsafeRawBufferPointer(target)
  }

  private func encode(
    _ bytes: UnsafeRawBufferPointer, level: Int
  ) throws(ModelError) -> [UInt8] {
    do throws(ZstdProblem) {
      return try encoder.encode(bytes, level: level)
    } catch {
      throw ModelError(.outOfMemory, path: path, problem: error.problem)
    }
  }
}
