import Dispatch
import Synchronization

/// Jobs `0 ..< count` for several threads, handed out in ascending order.
final class JobQueue: Sendable {
  private let count: Int
  private let upcoming = Atomic<Int>(0)
  private let failure = Mutex<(job: Int, error: ModelError)?>(nil)

  private init(_ count: Int) { self.count = count }

  /// One thread's end of the queue.
  struct Worker: ~Copyable {
    fileprivate let queue: JobQueue
    fileprivate var current = -1

    /// The next job, until there are none or another worker has failed.
    mutating func next() -> Int? {
      current = queue.upcoming.wrappingAdd(1, ordering: .relaxed).oldValue
      return current < queue.count ? current : nil
    }
  }

  /// Calls `work` on at most `threads` threads, each of which takes jobs until there are none.
  ///
  /// - Throws: the error of the first job, in their order, that failed: every job before it was
  ///   handed out before it, and is finished. Jobs after it may not have been done.
  static func run(
    _ count: Int, threads: Int, _ work: @Sendable (inout Worker) throws(ModelError) -> Void
  ) throws(ModelError) {
    let queue = JobQueue(count)
    let workers = max(1, min(threads, count))
    if workers == 1 {
      queue.serve(work)
    } else {
      DispatchQueue.concurrentPerform(iterations: workers) { _ in queue.serve(work) }
    }
    if let failure = queue.failure.withLock({ $0 }) { throw failure.error }
  }

  private func serve(_ work: (inout Worker) throws(ModelError) -> Void) {
    var worker = Worker(queue: self)
    do throws(ModelError) {
      try work(&worker)
    } catch {
      upcoming.store(count, ordering: .relaxed)
      let job = worker.current
      failure.withLock { if job < $0?.job ?? .max { $0 = (job, error) } }
    }
  }
}
