internal import CKernels

/// What one thread needs to decode chunks: a zstd context and buffers that are used again.
struct ChunkDecoder: ~Copyable {
  private let file: InputFile
  private var decoder: ZstdDecoder?
  private var compressed: ByteBuffer
  private var decoded: ByteBuffer
  private var joined: ByteBuffer

  init(file: InputFile, budget: MemoryBudget) {
    self.file = file
    compressed = ByteBuffer(budget: budget)
    decoded = ByteBuffer(budget: budget)
    joined = ByteBuffer(budget: budget)
  }

  /// Decodes the pieces of a chunk one after the other into one buffer and hands it over.
  mutating func decode(
    _ chunk: StoredTensor.Chunk, of tensor: StoredTensor,
    deliver: (TensorRows) throws(ModelError) -> Void
  ) throws(ModelError) {
    let info = tensor.info
    let pieceBytes = chunk.pieces.first?.decodedBytes ?? 0
    let buffer = try decoded.room(
      for: pieceBytes * chunk.pieces.count, path: file.path, place: "tensor \(info.name)")
    for (plane, piece) in chunk.pieces.enumerated() {
      let target = UnsafeMutableRawBufferPointer(
        rebasing: buffer[plane * pieceBytes..<(plane + 1) * pieceBytes])
      if piece.isFrame {
        try decodeFrame(piece, of: info, into: target)
      } else if let type = tensor.blockType {
        let blocks = try compressed.room(
          for: piece.storedBytes, path: file.path, place: "tensor \(info.name)")
        try file.read(at: piece.offset, into: blocks)
        if let base = target.baseAddress {
          ft_dequantise(
            type, blocks.baseAddress, piece.storedBytes / ft_block_bytes(type),
            base.assumingMemoryBound(to: Float.self))
        }
      } else {
        try file.read(at: piece.offset, into: target)
      }
    }
    if tensor.addend != 0, let base = buffer.baseAddress {
      let values = base.assumingMemoryBound(to: Float.self)
      for index in 0..<buffer.count / MemoryLayout<Float>.stride { values[index] += tensor.addend }
    }
    func plane(_ index: Int) -> UnsafeRawBufferPointer {
      UnsafeRawBufferPointer(rebasing: buffer[index * pieceBytes..<(index + 1) * pieceBytes])
    }
    let storage: TensorRows.Storage
    if tensor.planes == 2, let base = buffer.baseAddress {
      let high = base.assumingMemoryBound(to: UInt8.self)
      storage = .planes(high: high, low: high + pieceBytes)
    } else if tensor.planes == 4 {
      let target = try joined.room(
        for: buffer.count, path: file.path, place: "tensor \(info.name)")
      if let base = target.baseAddress { BytePlanes.join((0..<4).map(plane), into: base) }
      storage = .plain(UnsafeRawBufferPointer(target))
    } else if let headSize = tensor.interleavedHeads {
      let target = try joined.room(
        for: buffer.count, path: file.path, place: "tensor \(info.name)")
      let rowBytes = info.columns * info.dtype.size
      for row in 0..<chunk.rows.count {
        let (head, place) = row.quotientAndRemainder(dividingBy: headSize)
        let (half, pair) = place.quotientAndRemainder(dividingBy: headSize / 2)
        let source = head * headSize + 2 * pair + half
        UnsafeMutableRawBufferPointer(rebasing: target[row * rowBytes..<(row + 1) * rowBytes])
          .copyMemory(
            from: UnsafeRawBufferPointer(
              rebasing: buffer[source * rowBytes..<(source + 1) * rowBytes]))
      }
      storage = .plain(UnsafeRawBufferPointer(target))
    } else {
      storage = .plain(UnsafeRawBufferPointer(buffer))
    }
    try deliver(TensorRows(tensor: info, rows: chunk.rows, storage: storage))
  }

  private mutating func decodeFrame(
    _ piece: StoredTensor.Piece, of info: TensorInfo,
    into target: UnsafeMutableRawBufferPointer
  ) throws(ModelError) {
    let place = "tensor \(info.name), byte \(piece.offset)"
    let source = try compressed.room(for: piece.storedBytes, path: file.path, place: place)
    try file.read(at: piece.offset, into: source)
    do throws(ZstdProblem) {
      if decoder == nil { decoder = try ZstdDecoder() }
      try decoder?.decode(UnsafeRawBufferPointer(source), into: target)
    } catch {
      throw ModelError(
        .malformed, path: file.path, place: place, problem: error.problem,
        advice: "the file is damaged; fetch or pack it again")
    }
  }
}
