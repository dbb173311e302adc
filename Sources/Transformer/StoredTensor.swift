internal import CKernels

/// Where a tensor's bytes are.
struct StoredTensor {
  var info: TensorInfo
  /// 1: row-major elements. 2 or 4: byte planes.
  var planes: Int
  /// Pieces are quantised blocks, which become F32.
  var blockType: ft_block_type?
  /// The rows of every head of this size are stored as 0, n / 2, 1, n / 2 + 1 and so on.
  var interleavedHeads: Int?
  /// Is added to every element, which is F32.
  var addend: Float = 0
  /// In order, together all rows. Empty for a tensor without elements.
  var chunks: [Chunk] = []

  /// Some whole rows.
  struct Chunk {
    var rows: Range<Int>
    /// One for each plane.
    var pieces: [Piece]
  }

  /// Consecutive bytes of the file that give `decodedBytes` bytes.
  struct Piece {
    var offset: Int
    var storedBytes: Int
    var decodedBytes: Int
    /// The bytes are a zstd frame.
    var isFrame: Bool
  }

  /// Bytes of the file.
  var storedBytes: Int {
    chunks.reduce(0) { $0 + $1.pieces.reduce(0) { $0 + $1.storedBytes } }
  }

  /// A tensor of a plain file that begins at `offset`: its planes lie one after the other.
  init(_ tensor: LogicalHeader.Tensor, at offset: Int) {
    info = tensor.info
    planes = tensor.planes
    let planeBytes = info.byteCount / planes
    let rowBytes = info.columns * info.dtype.size / planes
    for rows in ChunkRule.cut(info) {
      let pieces = (0..<planes).map { plane in
        Piece(
          offset: offset + plane * planeBytes + rows.lowerBound * rowBytes,
          storedBytes: rows.count * rowBytes, decodedBytes: rows.count * rowBytes, isFrame: false)
      }
      chunks.append(Chunk(rows: rows, pieces: pieces))
    }
  }

  /// A tensor of a packed file: takes its frames, plane after plane, each cut at the same rows.
  init(
    _ tensor: LogicalHeader.Tensor, from frames: inout FrameReader
  ) throws(ModelError) {
    info = tensor.info
    planes = tensor.planes
    guard info.elementCount > 0 else { return }
    let rowBytes = info.columns * info.dtype.size / planes
    let place = "tensor \(info.name)"
    for plane in 0..<planes {
      var row = 0
      var chunk = 0
      while row < info.rows {
        let index = frames.index
        let frame = try frames.next(place: place)
        func fail(_ problem: String) -> ModelError {
          ModelError(
            .malformed, path: frames.path, place: "\(place), frame \(index), byte \(frame.offset)",
            problem: problem, advice: "pack it again with `foretoken weights pack`")
        }
        let (count, rest) = frame.decompressed.quotientAndRemainder(dividingBy: rowBytes)
        guard rest == 0, count <= info.rows - row else {
          throw fail(
            "decodes to \(frame.decompressed) bytes, which are not whole rows of \(rowBytes) bytes"
              + " inside the tensor")
        }
        let rows = row..<row + count
        guard rows.upperBound == info.rows || rows.upperBound % ChunkRule.rows == 0 else {
          throw fail("is cut at row \(rows.upperBound), not a multiple of \(ChunkRule.rows)")
        }
        let piece = Piece(
          offset: frame.offset, storedBytes: frame.compressed, decodedBytes: frame.decompressed,
          isFrame: true)
        if plane == 0 {
          chunks.append(Chunk(rows: rows, pieces: [piece]))
        } else {
          guard chunk < chunks.count, chunks[chunk].rows == rows else {
            throw fail("the planes are not cut at the same rows")
          }
          chunks[chunk].pieces.append(piece)
        }
        row = rows.upperBound
        chunk += 1
      }
    }
  }
}

/// How tensors are cut into pieces of work.
enum ChunkRule {
  /// Cuts of a matrix fall on multiples of this many rows: a panel (`FT_PANEL`).
  static let rows = 16
  /// Elements of a chunk, or a little less. The planes of a 16-bit chunk are then 1 MiB each: they
  /// stay in a core's cache between decoding and packing, and there are enough of them to share.
  static let elements = 1 << 20
  /// A frame that decodes to more than this, zstd's largest window, is refused: loading holds a
  /// frame or two per thread.
  static let largestFrame = 1 << 27

  /// The rows of each chunk of a tensor, in multiples of `unit`, itself one of `rows`.
  static func cut(_ tensor: TensorInfo, unit: Int = rows) -> [Range<Int>] {
    guard tensor.elementCount > 0 else { return [] }
    let step = max(unit, elements / tensor.columns / unit * unit)
    return stride(from: 0, to: tensor.rows, by: step).map { $0..<min($0 + step, tensor.rows) }
  }
}
