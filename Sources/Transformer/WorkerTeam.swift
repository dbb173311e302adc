import CKernels

/// The threads that share every matrix product of a model.
///
/// Results do not depend on how many there are. A team serves one caller at a time: the model that
/// owns it runs one forward at a time.
package final class WorkerTeam: @unchecked Sendable {
  // Sendable by hand: the pointer is written once, and `run` is called by one thread at a time.
  let handle: OpaquePointer
  package let size: Int

  /// - Throws: `outOfMemory` when the system refuses the threads.
  package init(threads: Int) throws(ModelError) {
    guard let handle = ft_team_create(Int32(clamping: max(1, threads))) else {
      throw ModelError(
        .outOfMemory, path: "threads", problem: "the system refused \(threads) threads",
        advice: "ask for fewer with --threads")
    }
    self.handle = handle
    size = Int(ft_team_size(handle))
  }

  deinit { ft_team_destroy(handle) }

  /// The kernels that run on this processor: "avx2", say.
  package static var kernelName: String { String(cString: ft_kernel_name()) }

  /// Calls `body` with disjoint ranges that cover `0 ..< count`, one per part, and waits for all.
  ///
  /// There are `size` parts, no two of which are done by the same number at a time: scratch memory by
  /// `part` is nobody else's.
  ///
  /// `worthwhile: false` runs everything on the caller, for work that is smaller than a join.
  package func split(
    _ count: Int, worthwhile: Bool = true, _ body: (Range<Int>, _ part: Int) -> Void
  ) {
    guard worthwhile, size > 1, count > 1 else {
      if count > 0 { body(0..<count, 0) }
      return
    }
    withoutActuallyEscaping(body) { body in
      var job = Job(count: count, body: body)
      withUnsafeMutablePointer(to: &job) { pointer in
        ft_team_run(
          handle,
          { context, part, parts in
            guard let job = context?.assumingMemoryBound(to: Job.self) else { return }
            let (count, part, parts) = (job.pointee.count, Int(part), Int(parts))
            let range = count * part / parts..<count * (part + 1) / parts
            if !range.isEmpty { job.pointee.body(range, part) }
          }, pointer)
      }
    }
  }

  private struct Job {
    var count: Int
    var body: (Range<Int>, Int) -> Void
  }
}
