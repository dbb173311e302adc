/// Reads where everything is in a weight file, and checks that all of it fits together.
struct WeightLayout {
  var isPacked: Bool
  var metadata: [String: String]
  var tensors: [StoredTensor] = []

  static let frameMagic: UInt32 = 0xFD2F_B528

  /// Whether the file begins as a zstd frame does. (Read as a safetensors length, those four bytes
  /// would be a header beyond all limits.)
  static func beginsWithFrame(_ file: InputFile) throws(ModelError) -> Bool {
    var magic: UInt32 = 0
    guard file.size >= 4 else { return false }
    var failure: ModelError?
    withUnsafeMutableBytes(of: &magic) { buffer in
      do throws(ModelError) { try file.read(at: 0, into: buffer) } catch { failure = error }
    }
    if let failure { throw failure }
    return UInt32(littleEndian: magic) == frameMagic
  }

  // MARK: Plain

  init(plain file: InputFile, budget: MemoryBudget) throws(ModelError) {
    var scratch = ByteBuffer(budget: budget)
    guard file.size >= 8 else {
      throw ModelError(
        .malformed, path: file.path, place: "byte 0",
        problem: "\(file.size) bytes are too few for a safetensors file")
    }
    let prefix = try scratch.room(for: 8, path: file.path, place: "byte 0")
    try file.read(at: 0, into: prefix)
    let length = try Self.headerLength(
      UnsafeRawBufferPointer(prefix), available: file.size - 8, path: file.path)
    let json = try scratch.room(for: length, path: file.path, place: "header")
    try file.read(at: 8, into: json)
    let dataStart = 8 + length
    let header = try SafeTensorsHeader(
      json: UnsafeRawBufferPointer(json), dataBytes: file.size - dataStart, path: file.path)

    isPacked = false
    let logical = try LogicalTensors(header, path: file.path)
    metadata = logical.metadata
    for (entry, tensor) in zip(header.entries, logical.tensors) {
      // Every plane (or the tensor as it is) begins one stride after the other.
      let planes = tensor.planes
      let stride = (entry.range.upperBound - entry.range.lowerBound) / planes
      let rowBytes =
        planes == 1 ? tensor.info.columns * tensor.info.dtype.size : tensor.info.columns
      let chunks = ChunkRule.cut(tensor.info).map { rows in
        StoredTensor.Chunk(
          rows: rows,
          pieces: (0..<planes).map { plane in
            let start = entry.range.lowerBound + plane * stride + rows.lowerBound * rowBytes
            return StoredTensor.Piece(
              offset: dataStart + start, storedBytes: rows.count * rowBytes,
              decodedBytes: rows.count * rowBytes, isFrame: false)
          })
      }
      tensors.append(StoredTensor(info: tensor.info, planes: planes, chunks: chunks))
    }
  }

  // MARK: Packed

  init(packed file: InputFile, budget: MemoryBudget) throws(ModelError) {
    let table = try SeekTable(reading: file, budget: budget)
    guard let first = table.frames.first else {
      throw ModelError(
        .malformed, path: file.path, place: "seek table", problem: "there are no frames")
    }
    for (index, frame) in table.frames.enumerated() {
      try Self.checkSize(frame, index: index, path: file.path)
    }
    guard first.decompressed >= 8, first.decompressed <= SafeTensorsHeader.largestBytes else {
      throw ModelError(
        .malformed, path: file.path, place: "frame 0, byte 0",
        problem: "a header of \(first.decompressed) bytes",
        advice: "a packed weight file has its safetensors header alone in the first frame")
    }
    let total = table.frames.reduce(0) { $0 + $1.decompressed }

    var compressed = ByteBuffer(budget: budget)
    var decoded = ByteBuffer(budget: budget)
    let source = try compressed.room(
      for: first.compressed, path: file.path, place: "frame 0, byte 0")
    let target = try decoded.room(
      for: first.decompressed, path: file.path, place: "frame 0, byte 0")
    try file.read(at: 0, into: source)
    do throws(ZstdProblem) {
      let decoder = try ZstdDecoder()
      try decoder.decode(UnsafeRawBufferPointer(source), into: target)
    } catch {
      throw ModelError(
        .malformed, path: file.path, place: "header (frame 0), byte 0", problem: error.problem)
    }
    let bytes = UnsafeRawBufferPointer(target)
    let length = try Self.headerLength(bytes, available: total - 8, path: file.path)
    guard length == bytes.count - 8 else {
      throw ModelError(
        .malformed, path: file.path, place: "frame 0, byte 0",
        problem: "holds \(bytes.count - 8) bytes for a header of \(length)",
        advice: "a packed weight file has its safetensors header alone in the first frame")
    }
    let header = try SafeTensorsHeader(
      json: UnsafeRawBufferPointer(rebasing: bytes[8...]), dataBytes: total - bytes.count,
      path: file.path)

    isPacked = true
    let logical = try LogicalTensors(header, path: file.path)
    metadata = logical.metadata
    var next = 1
    for tensor in logical.tensors {
      tensors.append(
        try Self.assign(table.frames, from: &next, to: tensor, path: file.path))
    }
  }

  /// A block decodes to at most 128 KiB and takes at least four bytes, so a frame that claims more
  /// than that ratio lies, and is refused before memory is taken for it.
  private static func checkSize(
    _ frame: SeekTable.Frame, index: Int, path: String
  ) throws(ModelError) {
    let blocks = (frame.decompressed + (1 << 17) - 1) >> 17
    guard frame.decompressed <= WeightFile.largestFrame, frame.compressed >= 4 * blocks else {
      throw ModelError(
        .malformed, path: path, place: "frame \(index), byte \(frame.offset)",
        problem: "\(frame.compressed) bytes that would decode to \(frame.decompressed)",
        advice: "no zstd frame of a weight file can")
    }
  }

  /// Takes the frames of one tensor: plane after plane, each cut at the same rows.
  private static func assign(
    _ frames: [SeekTable.Frame], from next: inout Int, to tensor: LogicalTensors.Tensor,
    path: String
  ) throws(ModelError) -> StoredTensor {
    let info = tensor.info
    let rowBytes = info.columns * info.dtype.size / tensor.planes
    var chunks: [StoredTensor.Chunk] = []
    guard info.elementCount > 0 else {
      return StoredTensor(info: info, planes: tensor.planes, chunks: [])
    }
    for plane in 0..<tensor.planes {
      var row = 0
      var chunk = 0
      while row < info.rows {
        let index = next
        func fail(_ problem: String) -> ModelError {
          ModelError(
            .malformed, path: path, place: "tensor \(info.name), frame \(index)",
            problem: problem, advice: "pack it again with `foretoken weights pack`")
        }
        guard index < frames.count else { throw fail("there are only \(frames.count) frames") }
        let frame = frames[index]
        let (count, rest) = frame.decompressed.quotientAndRemainder(dividingBy: rowBytes)
        guard rest == 0, count <= info.rows - row else {
          throw fail(
            "byte \(frame.offset): decodes to \(frame.decompressed) bytes, which are not whole"
              + " rows of \(rowBytes) bytes inside the tensor")
        }
        let rows = row..<row + count
        guard rows.upperBound == info.rows || rows.upperBound % ChunkRule.rows == 0 else {
          throw fail("byte \(frame.offset): is cut at row \(rows.upperBound), not a multiple of 16")
        }
        let piece = StoredTensor.Piece(
          offset: frame.offset, storedBytes: frame.compressed, decodedBytes: frame.decompressed,
          isFrame: true)
        if plane == 0 {
          chunks.append(StoredTensor.Chunk(rows: rows, pieces: [piece]))
        } else {
          guard chunk < chunks.count, chunks[chunk].rows == rows else {
            throw fail("byte \(frame.offset): the planes are not cut at the same rows")
          }
          chunks[chunk].pieces.append(piece)
        }
        row = rows.upperBound
        chunk += 1
        next += 1
      }
    }
    return StoredTensor(info: info, planes: tensor.planes, chunks: chunks)
  }

  // MARK: Both

  private static func headerLength(
    _ prefix: UnsafeRawBufferPointer, available: Int, path: String
  ) throws(ModelError) -> Int {
    let length = UInt64(littleEndian: prefix.loadUnaligned(fromByteOffset: 0, as: UInt64.self))
    guard length <= SafeTensorsHeader.largestBytes, length <= available else {
      throw ModelError(
        .malformed, path: path, place: "byte 0",
        problem: "a header of \(length) bytes, \(max(available, 0)) bytes follow and"
          + " \(SafeTensorsHeader.largestBytes) are allowed",
        advice: "not a safetensors file, or cut off")
    }
    return Int(length)
  }
}

/// The tensors of a header with the planes undone.
struct LogicalTensors {
  struct Tensor {
    var info: TensorInfo
    var planes: Int
  }

  /// In the order of the header's entries.
  var tensors: [Tensor] = []
  /// Without the entry about planes.
  var metadata: [String: String]

  init(_ header: SafeTensorsHeader, path: String) throws(ModelError) {
    metadata = header.metadata
    var dtypes: [String: TensorDType] = [:]
    if var text = metadata.removeValue(forKey: WeightFile.planesKey) {
      dtypes = try Self.planes(&text, path: path)
    }
    for entry in header.entries {
      let stored = entry.tensor
      guard let dtype = dtypes.removeValue(forKey: stored.name) else {
        tensors.append(Tensor(info: stored, planes: 1))
        continue
      }
      let planes = BytePlanes.count(for: dtype)
      guard planes > 1, stored.dtype == .u8, stored.shape.first == planes,
        let info = TensorInfo(
          name: stored.name, dtype: dtype, shape: Array(stored.shape.dropFirst()))
      else {
        throw ModelError(
          .malformed, path: path, place: "tensor \(stored.name)",
          problem: "\(stored.dtype.rawValue) \(stored.shape) cannot be the byte planes of"
            + " \(dtype.rawValue) values")
      }
      tensors.append(Tensor(info: info, planes: planes))
    }
    if let name = dtypes.keys.min() {
      throw ModelError(
        .malformed, path: path, place: "metadata \(WeightFile.planesKey)",
        problem: "names \(name.asJSON), which is not in the file")
    }
  }

  private static func planes(
    _ text: inout String, path: String
  ) throws(ModelError) -> [String: TensorDType] {
    var dtypes: [String: TensorDType] = [:]
    var failure: ModelError?
    text.withUTF8 { bytes in
      do throws(ModelError) {
        var reader = SafeTensorsJSON(
          UnsafeRawBufferPointer(bytes), path: path, source: "metadata \(WeightFile.planesKey)")
        try reader.object { (reader, name) throws(ModelError) in
          let dtype = try reader.string()
          guard let known = TensorDType(rawValue: dtype) else {
            throw reader.fail("\(name.asJSON) has the unknown dtype \(dtype.asJSON)")
          }
          guard dtypes.updateValue(known, forKey: name) == nil else {
            throw reader.fail("\(name.asJSON) comes twice")
          }
        }
        try reader.finish()
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return dtypes
  }
}
