import Synchronization

/// Writes tensors to a file: packed (`WeightFile` describes the format) or plain safetensors.
///
/// The file gets its name when it is complete. Memory does not grow with the tensors: each thread
/// holds a chunk of a few MiB and what it became.
package struct WeightFileWriter: Sendable {
  /// Bytes of the tensors that are done, and of all; called on any thread.
  package typealias Progress = @Sendable (_ done: Int, _ total: Int) -> Void

  /// How hard zstd looks for what repeats. Weights do not: entropy codes, which are always tried,
  /// come within a percent of the highest level.
  package static let levels = 1...22
  package static let defaultLevel = 3

  /// Is asked before every piece; when it says so, writing throws `cancelled` and leaves nothing.
  package var isCancelled: @Sendable () -> Bool = { false }

  private let sources: [TensorSource]
  private let metadata: [String: String]
  /// The plain file's header, length and JSON.
  private let plainHeader: [UInt8]

  /// - Throws: `mismatch` for two tensors of one name, or metadata under a name that is ours.
  package init(
    _ sources: [TensorSource], metadata: [String: String] = [:]
  ) throws(ModelError) {
    var names: Set<String> = [SafeTensorsHeader.metadataKey]
    for name in sources.map(\.tensor.name) where !names.insert(name).inserted {
      throw ModelError(
        .mismatch, path: "memory", place: "tensor \(name)", problem: "the name is taken")
    }
    for key in [WeightFile.planesKey, WeightFile.headerKey] where metadata[key] != nil {
      throw ModelError(
        .mismatch, path: "memory", place: "metadata \(key)", problem: "the name is taken")
    }
    self.sources = sources
    self.metadata = metadata
    plainHeader = SafeTensorsHeader(sources.map(\.tensor), metadata: metadata).encoded()
  }

  /// Everything that `file` has, in its order. Elements that are F32, BF16 or F16 become `dtype`,
  /// one of these, where it is given.
  ///
  /// - Throws: `inputOutput` if the file cannot be read.
  package init(copying file: WeightFile, as dtype: TensorDType? = nil) throws(ModelError) {
    let sources = file.tensors.indices.map { TensorSource(file, at: $0, as: dtype) }
    let tensors = sources.map(\.tensor)
    self.sources = sources
    metadata = file.metadata
    plainHeader =
      tensors == file.tensors
      ? try file.plainHeader() : SafeTensorsHeader(tensors, metadata: file.metadata).encoded()
  }

  private var totalBytes: Int { sources.reduce(0) { $0 + $1.tensor.byteCount } }

  // MARK: Plain

  /// Writes a plain safetensors file.
  ///
  /// - Throws: `missing` or `inputOutput` for a path that cannot be written; what the sources throw.
  package func writePlain(
    to path: String, threads: Int, progress: Progress? = nil
  ) throws(ModelError) {
    let output = try OutputFile(path: path)
    try output.append(plainHeader)
    var jobs: [(source: TensorSource, cut: Int, offset: Int)] = []
    var offset = plainHeader.count
    for source in sources {
      let rowBytes = source.tensor.columns * source.tensor.dtype.size
      for (cut, rows) in source.cuts.enumerated() {
        jobs.append((source, cut, offset + rows.lowerBound * rowBytes))
      }
      offset += source.tensor.byteCount
    }
    let tally = Tally(total: totalBytes, report: progress)
    try JobQueue.run(jobs.count, threads: threads) { [jobs] (worker) throws(ModelError) in
      var buffer = ByteBuffer(budget: MemoryBudget())
      while let index = worker.next() {
        let job = jobs[index]
        let bytes = try job.source.elements(job.cut, in: &buffer)
        try output.write(UnsafeRawBufferPointer(bytes), at: job.offset)
        tally.add(bytes.count)
      }
    }
    try output.complete()
  }

  // MARK: Packed

  /// Writes a packed file.
  ///
  /// Each frame is the smaller of what entropy codes alone and zstd's `level` make of it; a float
  /// tensor is stored as byte planes if that makes a sample of it smaller.
  ///
  /// - Throws: like `writePlain`; `unsupported` for a tensor of which 16 rows are too large for a
  ///   frame.
  package func writePacked(
    to path: String, level: Int = defaultLevel, threads: Int, progress: Progress? = nil
  ) throws(ModelError) {
    let output = try OutputFile(path: path)
    try writePacked(into: output, level: level, threads: threads, progress: progress)
    try output.complete()
  }

  /// Writes a packed file that does not get its name yet.
  ///
  /// - Throws: as above.
  func writePacked(
    into output: OutputFile, level: Int = defaultLevel, threads: Int, progress: Progress? = nil
  ) throws(ModelError) {
    let path = output.path
    var table = SeekTable()
    let planes = try bestPlanes(path: path, level: level, threads: threads)
    let pieces = try pieces(planes, path: path)

    let header = packedHeader(planes)
    var frame: [UInt8] = []
    try header.withUnsafeBufferPointer { (bytes) throws(ModelError) in
      frame = try FrameEncoder(path: path, level: level).encode(UnsafeRawBufferPointer(bytes))
    }
    try output.append(frame)
    table.append(compressed: frame.count, decompressed: header.count)

    let tally = Tally(total: totalBytes, report: progress)
    // Frames are written in their order: some are packed in parallel, then written, then the next.
    let batchSize = 8 * max(1, threads)
    for start in stride(from: 0, to: pieces.count, by: batchSize) {
      let batch = pieces[start..<min(start + batchSize, pieces.count)]
      let frames = Mutex([[UInt8]](repeating: [], count: batch.count))
      try JobQueue.run(batch.count, threads: threads) { (worker) throws(ModelError) in
        var encoder = try FrameEncoder(path: path, level: level)
        while let index = worker.next() {
          guard !isCancelled() else {
            throw ModelError(.cancelled, path: path, problem: "was not finished")
          }
          let (source, piece, bytes) = batch[start + index]
          let frame = try encoder.encode(piece, of: source)
          frames.withLock { $0[index] = frame }
          tally.add(bytes)
        }
      }
      for (frame, piece) in zip(frames.withLock({ $0 }), batch) {
        try output.append(frame)
        table.append(compressed: frame.count, decompressed: piece.bytes)
      }
    }
    try output.append(table.encoded())
  }

  /// How many planes each tensor is stored as.
  private func bestPlanes(
    path: String, level: Int, threads: Int
  ) throws(ModelError) -> [Int] {
    let planes = Mutex([Int](repeating: 1, count: sources.count))
    try JobQueue.run(sources.count, threads: threads) { (worker) throws(ModelError) in
      var encoder = try FrameEncoder(path: path, level: level)
      while let index = worker.next() {
        let best = try encoder.bestPlanes(for: sources[index])
        planes.withLock { $0[index] = best }
      }
    }
    return planes.withLock { $0 }
  }

  /// The frames after the header's, in their order.
  private func pieces(
    _ planes: [Int], path: String
  ) throws(ModelError) -> [(source: TensorSource, piece: FrameEncoder.Piece, bytes: Int)] {
    var pieces: [(TensorSource, FrameEncoder.Piece, Int)] = []
    for (source, planes) in zip(sources, planes) {
      let tensor = source.tensor
      let rowBytes = tensor.columns * tensor.dtype.size / planes
      for plane in 0..<planes {
        for (cut, rows) in source.cuts.enumerated() {
          guard rows.count * rowBytes <= ChunkRule.largestFrame else {
            throw ModelError(
              .unsupported, path: path, place: "tensor \(tensor.name)",
              problem: "\(rows.count) rows of \(rowBytes) bytes are too large for a frame")
          }
          let piece = FrameEncoder.Piece(cut: cut, plane: plane, planes: planes)
          pieces.append((source, piece, rows.count * rowBytes))
        }
      }
    }
    return pieces
  }

  /// The header of the file that `zstd -d` makes.
  private func packedHeader(_ planes: [Int]) -> [UInt8] {
    var metadata = metadata
    var tensors: [TensorInfo] = []
    var dtypes: [String] = []
    for (source, planes) in zip(sources, planes) {
      let tensor = source.tensor
      if planes > 1,
        let bytes = TensorInfo(name: tensor.name, dtype: .u8, shape: [planes] + tensor.shape)
      {
        tensors.append(bytes)
        dtypes.append("\(tensor.name.asJSON):\(tensor.dtype.rawValue.asJSON)")
      } else {
        tensors.append(tensor)
      }
    }
    if !dtypes.isEmpty { metadata[WeightFile.planesKey] = "{\(dtypes.joined(separator: ","))}" }
    let usual = SafeTensorsHeader(sources.map(\.tensor), metadata: self.metadata).encoded()
    if plainHeader != usual {
      metadata[WeightFile.headerKey] = String(decoding: plainHeader.dropFirst(8), as: UTF8.self)
    }
    return SafeTensorsHeader(tensors, metadata: metadata).encoded()
  }
}

/// Adds up what the threads have done and reports it.
private final class Tally: Sendable {
  private let total: Int
  private let report: WeightFileWriter.Progress?
  private let done = Atomic<Int>(0)

  init(total: Int, report: WeightFileWriter.Progress?) {
    self.total = total
    self.report = report
  }

  func add(_ bytes: Int) {
    report?(done.wrappingAdd(bytes, ordering: .relaxed).newValue, total)
  }
}
