import Dispatch

/// Calls `body` once for each number of `0 ..< parts`, on up to `threads` threads, and waits.
///
/// The parts are the caller's and do not depend on the number of threads. A part that writes only its
/// own results therefore gives the same answer on any machine, once they are combined in order.
func forEachPart(_ parts: Int, threads: Int, _ body: (Int) -> Void) {
  let threads = min(threads, parts)
  guard threads > 1 else {
    for part in 0..<parts { body(part) }
    return
  }
  withoutActuallyEscaping(body) { body in
    // Sendable by the contract above: a part writes only its own results, and all are awaited here.
    nonisolated(unsafe) let body = body
    DispatchQueue.concurrentPerform(iterations: threads) { thread in
      for part in stride(from: thread, to: parts, by: threads) { body(part) }
    }
  }
}
