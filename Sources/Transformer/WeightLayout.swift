/// Where everything is in a weight file, checked: all of it fits together and fills the file.
struct WeightLayout {
  var isPacked: Bool
  var metadata: [String: String]
  /// See `LogicalHeader.original`.
  var originalHeader: String?
  var tensors: [StoredTensor] = []
  /// Of a GGUF file.
  var gguf: GGUFHeader?

  private static let frameMagic: UInt32 = 0xFD2F_B528
  /// "vers": "version https://git-lfs.github.com/spec/v1".
  private static let pointerMagic: UInt32 = 0x7372_6576

  /// Reads the header of any kind of file.
  init(_ file: InputFile, budget: MemoryBudget) throws(ModelError) {
    // Read as a safetensors length, either magic would be a header beyond all limits.
    let magic: UInt32 = file.size >= 4 ? try file.integer(at: 0) : 0
    switch magic {
    case Self.frameMagic: try self.init(packed: file, budget: budget)
    case GGUFHeader.magic: try self.init(gguf: file)
    case Self.pointerMagic:
      throw ModelError(
        .malformed, path: file.path, problem: "is not the file but Git LFS's pointer to it",
        advice: "\"git lfs pull\" in its folder fetches the file")
    default: try self.init(plain: file, budget: budget)
    }
  }

  private init(gguf file: InputFile) throws(ModelError) {
    let header = try GGUFHeader(file)
    isPacked = false
    metadata = [:]
    tensors = try GGUFTensors(header, file).tensors
    gguf = header
  }

  private init(_ header: LogicalHeader, isPacked: Bool) {
    self.isPacked = isPacked
    metadata = header.metadata
    originalHeader = header.original
  }

  private init(plain file: InputFile, budget: MemoryBudget) throws(ModelError) {
    guard file.size >= 8 else {
      throw ModelError(
        .malformed, path: file.path, place: "byte 0",
        problem: "\(file.size) bytes are too few for a safetensors file")
    }
    let length = try SafeTensorsHeader.checkedLength(
      try file.integer(at: 0), available: file.size - 8, path: file.path)
    var scratch = ByteBuffer(budget: budget)
    let json = try scratch.room(for: length, path: file.path, place: "header")
    try file.read(at: 8, into: json)
    let dataStart = 8 + length
    let header = try SafeTensorsHeader(
      json: UnsafeRawBufferPointer(json), dataBytes: file.size - dataStart, path: file.path)

    let logical = try LogicalHeader(header, path: file.path)
    self.init(logical, isPacked: false)
    for (entry, tensor) in zip(header.entries, logical.tensors) {
      tensors.append(StoredTensor(tensor, at: dataStart + entry.range.lowerBound))
    }
  }

  private init(packed file: InputFile, budget: MemoryBudget) throws(ModelError) {
    let table = try SeekTable(reading: file, budget: budget)
    var frames = FrameReader(table.frames[...], path: file.path)
    let first = try frames.next(place: "header")
    let total = table.frames.reduce(0) { $0 + $1.decompressed }

    var compressed = ByteBuffer(budget: budget)
    var decoded = ByteBuffer(budget: budget)
    let place = "header (frame 0), byte 0"
    guard first.decompressed >= 8, first.decompressed <= SafeTensorsHeader.largestBytes + 8 else {
      throw ModelError(
        .malformed, path: file.path, place: place,
        problem: "a header of \(first.decompressed) bytes", advice: Self.headerAdvice)
    }
    let source = try compressed.room(for: first.compressed, path: file.path, place: place)
    try file.read(at: 0, into: source)
    let target: UnsafeMutableRawBufferPointer
    do throws(ZstdProblem) {
      // The frame must agree with the table before memory is taken on the table's word.
      try ZstdDecoder.check(UnsafeRawBufferPointer(source), decodesTo: first.decompressed)
    } catch {
      throw ModelError(.malformed, path: file.path, place: place, problem: error.problem)
    }
    target = try decoded.room(for: first.decompressed, path: file.path, place: place)
    do throws(ZstdProblem) {
      try ZstdDecoder().decode(UnsafeRawBufferPointer(source), into: target)
    } catch {
      throw ModelError(.malformed, path: file.path, place: place, problem: error.problem)
    }
    let bytes = UnsafeRawBufferPointer(target)
    let length = try SafeTensorsHeader.checkedLength(
      UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self)), available: total - 8,
      path: file.path)
    guard length == bytes.count - 8 else {
      throw ModelError(
        .malformed, path: file.path, place: place,
        problem: "holds \(bytes.count - 8) bytes for a header of \(length)",
        advice: Self.headerAdvice)
    }
    let header = try SafeTensorsHeader(
      json: UnsafeRawBufferPointer(rebasing: bytes[8...]), dataBytes: total - bytes.count,
      path: file.path)

    let logical = try LogicalHeader(header, path: file.path)
    self.init(logical, isPacked: true)
    // All frames are used up then: they have as many bytes as the tensors.
    for tensor in logical.tensors { tensors.append(try StoredTensor(tensor, from: &frames)) }
  }

  private static let headerAdvice =
    "a packed weight file has its safetensors header alone in the first frame"
}

/// The frames of a file, one after the other.
struct FrameReader {
  private var frames: ArraySlice<SeekTable.Frame>
  let path: String
  /// The number of the next frame.
  var index: Int { frames.startIndex }

  init(_ frames: ArraySlice<SeekTable.Frame>, path: String) {
    self.frames = frames
    self.path = path
  }

  /// Takes the next frame, which is part of what `place` says.
  ///
  /// A block decodes to at most 128 KiB and takes at least four bytes, so a frame that claims more
  /// than that ratio lies, and is refused before memory is taken for it.
  mutating func next(place: String) throws(ModelError) -> SeekTable.Frame {
    let index = index
    guard let frame = frames.popFirst() else {
      throw ModelError(
        .malformed, path: path, place: place, problem: "there are only \(index) frames",
        advice: "pack it again with `foretoken weights pack`")
    }
    let blocks = (frame.decompressed + (1 << 17) - 1) >> 17
    guard frame.decompressed <= ChunkRule.largestFrame, frame.compressed >= 4 * blocks else {
      throw ModelError(
        .malformed, path: path, place: "\(place), frame \(index), byte \(frame.offset)",
        problem: "\(frame.compressed) bytes that would decode to \(frame.decompressed)",
        advice: "no zstd frame of a weight file can")
    }
    return frame
  }
}
