import Dispatch
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
  /// - Throws: the first error met; the rest of the work is dropped then. A frame that is damaged
  ///   names the tensor and the byte.
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

    let work = Work(jobs: jobs, total: total)
    let workers = max(1, min(threads, jobs.count))
    if workers == 1 {
      drain(work, progress)
    } else {
      DispatchQueue.concurrentPerform(iterations: workers) { _ in drain(work, progress) }
    }
    if let failure = work.failure.withLock({ $0 }) { throw failure }
  }

  /// Decodes one tensor on the calling thread, in the order of its rows.
  package func read(
    _ name: String, body: (TensorRows) throws(ModelError) -> Void
  ) throws(ModelError) {
    let tensor = try stored(name)
    var scratch = ChunkScratch(budget: budget)
    for chunk in tensor.chunks {
      try scratch.decode(chunk, of: tensor, from: file, body)
    }
  }

  private struct Job: Sendable {
    var tensor: StoredTensor
    var chunk: StoredTensor.Chunk
    var request: TensorRequest
  }

  /// What the workers share.
  private final class Work: Sendable {
    let jobs: [Job]
    let total: Int
    let next = Atomic<Int>(0)
    let done = Atomic<Int>(0)
    let failure = Mutex<ModelError?>(nil)

    init(jobs: [Job], total: Int) {
      self.jobs = jobs
      self.total = total
    }
  }

  /// Takes jobs until there are none or one has failed.
  private func drain(_ work: Work, _ progress: (@Sendable (Int, Int) -> Void)?) {
    var scratch = ChunkScratch(budget: budget)
    while true {
      let index = work.next.wrappingAdd(1, ordering: .relaxed).oldValue
      guard index < work.jobs.count else { return }
      let job = work.jobs[index]
      do throws(ModelError) {
        var bytes = 0
        try scratch.decode(job.chunk, of: job.tensor, from: file) { (rows) throws(ModelError) in
          try job.request.deliver(rows)
          bytes = rows.byteCount
        }
        let done = work.done.wrappingAdd(bytes, ordering: .relaxed).newValue
        progress?(done, work.total)
      } catch {
        work.failure.withLock { if $0 == nil { $0 = error } }
        work.next.store(work.jobs.count, ordering: .relaxed)
        return
      }
    }
  }
}

/// What one thread needs to decode chunks: a zstd context and buffers that are used again.
private struct ChunkScratch: ~Copyable {
  private let budget: MemoryBudget
  private var decoder: ZstdDecoder?
  private var compressed: ByteBuffer
  private var decoded: ByteBuffer
  private var joined: ByteBuffer

  init(budget: MemoryBudget) {
    self.budget = budget
    compressed = ByteBuffer(budget: budget)
    decoded = ByteBuffer(budget: budget)
    joined = ByteBuffer(budget: budget)
  }

  /// Decodes the pieces of a chunk one after the other into one buffer and hands it over.
  mutating func decode(
    _ chunk: StoredTensor.Chunk, of tensor: StoredTensor, from file: InputFile,
    _ body: (TensorRows) throws(ModelError) -> Void
  ) throws(ModelError) {
    let info = tensor.info
    let pieceBytes = chunk.pieces.first?.decodedBytes ?? 0
    let buffer = try decoded.room(
      for: pieceBytes * chunk.pieces.count, path: file.path, place: "tensor \(info.name)")
    for (plane, piece) in chunk.pieces.enumerated() {
      let target = UnsafeMutableRawBufferPointer(
        rebasing: buffer[plane * pieceBytes..<(plane + 1) * pieceBytes])
      if piece.isFrame {
        try decodeFrame(piece, of: info, from: file, into: target)
      } else {
        try file.read(at: piece.offset, into: target)
      }
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
    } else {
      storage = .plain(UnsafeRawBufferPointer(buffer))
    }
    try body(TensorRows(tensor: info, rows: chunk.rows, storage: storage))
  }

  private mutating func decodeFrame(
    _ piece: StoredTensor.Piece, of info: TensorInfo, from file: InputFile,
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
