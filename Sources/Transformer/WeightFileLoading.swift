import Synchronization

/// Some whole rows of a tensor, decoded; good only while the closure that got it runs.
package struct TensorRows {
  package enum Storage {
    /// Row-major elements, little-endian.
    case plain(UnsafeRawBufferPointer)
    /// A 16-bit tensor's two byte planes (`BytePlanes`), one byte per element each.
    case planes(high: UnsafePointer<UInt8>, low: UnsafePointer<UInt8>)
  }

  package let tensor: TensorInfo
  /// Begins at a multiple of 16, and ends at one or at the tensor's last row.
  package let rows: Range<Int>
  package let storage: Storage

  package var elementCount: Int { rows.count * tensor.columns }
  package var byteCount: Int { elementCount * tensor.dtype.size }

  /// Writes the row-major elements, `byteCount` bytes, to `target`.
  package func copyElements(to target: UnsafeMutableRawPointer) {
    switch storage {
    case .plain(let bytes):
      if let base = bytes.baseAddress { target.copyMemory(from: base, byteCount: bytes.count) }
    case .planes(let high, let low):
      BytePlanes.join(
        [
          UnsafeRawBufferPointer(start: high, count: elementCount),
          UnsafeRawBufferPointer(start: low, count: elementCount),
        ], into: target)
    }
  }

  /// Some of the rows.
  func part(_ part: Range<Int>) -> TensorRows {
    guard part != rows else { return self }
    let first = (part.lowerBound - rows.lowerBound) * tensor.columns
    let count = part.count * tensor.columns
    switch storage {
    case .plain(let bytes):
      let size = tensor.dtype.size
      let elements = bytes[first * size..<(first + count) * size]
      return TensorRows(
        tensor: tensor, rows: part, storage: .plain(UnsafeRawBufferPointer(rebasing: elements)))
    case .planes(let high, let low):
      return TensorRows(
        tensor: tensor, rows: part, storage: .planes(high: high + first, low: low + first))
    }
  }

  /// Calls `body` with the row-major elements.
  func withElements<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    switch storage {
    case .plain(let bytes): body(bytes)
    case .planes:
      withUnsafeTemporaryAllocation(byteCount: byteCount, alignment: 64) { elements in
        if let base = elements.baseAddress { copyElements(to: base) }
        return body(UnsafeRawBufferPointer(elements))
      }
    }
  }
}

/// A tensor that is wanted and what is to be done with its rows.
package struct TensorRequest: Sendable {
  package var name: String
  /// Is called once for each chunk of rows, on any thread, several at once, in no order.
  package var deliver: @Sendable (TensorRows) throws(ModelError) -> Void

  package init(
    _ name: String, deliver: @escaping @Sendable (TensorRows) throws(ModelError) -> Void
  ) {
    self.name = name
    self.deliver = deliver
  }
}

extension WeightFile {
  /// Decodes the requested tensors on `threads` threads and hands their rows over as they come.
  ///
  /// A request for a tensor without elements is never called. `progress` gets the decoded and the
  /// total bytes after each chunk, on any thread.
  ///
  /// - Throws: the error of the first chunk, in the order of the file, that failed. A frame that is
  ///   damaged names the tensor and the byte.
  package func load(
    _ requests: [TensorRequest], threads: Int,
    progress: (@Sendable (_ done: Int, _ total: Int) -> Void)? = nil
  ) throws(ModelError) {
    var jobs: [Job] = []
    var total = 0
    for request in requests {
      let tensor = try stored(request.name)
      for chunk in tensor.chunks {
        jobs.append(Job(tensor: tensor, chunk: chunk, request: request))
      }
      total += tensor.info.byteCount
    }
    // In the order of the file, for the disk's sake.
    jobs.sort { ($0.chunk.pieces.first?.offset ?? 0) < ($1.chunk.pieces.first?.offset ?? 0) }

    let (work, bytes) = (jobs, total)
    let done = Atomic<Int>(0)
    try JobQueue.run(work.count, threads: threads) { (worker) throws(ModelError) in
      var decoder = ChunkDecoder(file: file, budget: budget)
      while let index = worker.next() {
        let job = work[index]
        try decoder.decode(job.chunk, of: job.tensor, deliver: job.request.deliver)
        let now = done.wrappingAdd(job.bytes, ordering: .relaxed).newValue
        progress?(now, bytes)
      }
    }
  }

  /// Decodes everything and drops it.
  ///
  /// - Throws: like `load`: the first damage.
  package func verify(
    threads: Int, progress: (@Sendable (_ done: Int, _ total: Int) -> Void)? = nil
  ) throws(ModelError) {
    let requests = tensors.map { TensorRequest($0.name) { _ in } }
    try load(requests, threads: threads, progress: progress)
  }

  /// Decodes one tensor on the calling thread, in the order of its rows.
  package func read(
    _ name: String, body: (TensorRows) throws(ModelError) -> Void
  ) throws(ModelError) {
    let tensor = try stored(name)
    var decoder = ChunkDecoder(file: file, budget: budget)
    for chunk in tensor.chunks { try decoder.decode(chunk, of: tensor, deliver: body) }
  }

  /// Decodes one chunk of a tensor on the calling thread.
  func decode(
    _ tensor: StoredTensor, chunk: Int, _ body: (TensorRows) throws(ModelError) -> Void
  ) throws(ModelError) {
    var decoder = ChunkDecoder(file: file, budget: budget)
    try decoder.decode(tensor.chunks[chunk], of: tensor, deliver: body)
  }

  private struct Job: Sendable {
    var tensor: StoredTensor
    var chunk: StoredTensor.Chunk
    var request: TensorRequest

    var bytes: Int { chunk.rows.count * tensor.info.columns * tensor.info.dtype.size }
  }
}
