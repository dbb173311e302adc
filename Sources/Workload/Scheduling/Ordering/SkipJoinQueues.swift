#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Skip-join multi-level feedback queues (FastServe, arXiv 2305.05920): level i has a quantum of
/// `quantum` x 2^i tokens. A request enters at the level whose quantum covers its prompt, sinks a
/// level whenever it has used one up, and returns to the top after waiting for `promotion`.
package struct SkipJoinQueues: OrderingPolicy {
  /// Tokens of work in the top level's quantum.
  package var quantum: Double
  package var levels: Int
  /// A request that has waited this long is promoted to the top.
  package var promotion: Time
  /// What a token of prompt costs in tokens of answer, for the level of entry.
  package var inputWeight: Double

  package init(
    quantum: Double = 32, levels: Int = 8, promotion: Time = Time(seconds: 30),
    inputWeight: Double = 0.05
  ) {
    self.quantum = max(1, quantum)
    self.levels = max(1, levels)
    self.promotion = promotion
    self.inputWeight = inputWeight
  }

  package var name: String { "mlfq" }
  package var usesPredictions: Bool { false }
  package var isPreemptive: Bool { true }
  package var reviewInterval: Int { max(1, Int(quantum) / 2) }

  package func key(of request: RequestState, at now: Time) -> Double {
    Double(level(request, at: now))
  }

  package func keyHolds(of request: RequestState, at now: Time) -> Time {
    let end = request.waitingSince + promotion
    return now > end ? .never : end
  }

  package func displaces(
    _ waiting: RequestState, _ running: RequestState, at now: Time
  ) -> Bool {
    level(waiting, at: now) < level(running, at: now)
  }

  private func level(_ request: RequestState, at now: Time) -> Int {
    // A promoted request stays on top until it has used the top level's quantum.
    let waited = (request.isRunning ? request.runningSince : now) - request.waitingSince
    let sinceStart = Double(request.generated - request.generatedBefore)
    if waited > promotion, !request.isRunning || sinceStart < quantum { return 0 }
    let entry = ceil(log2(max(1, inputWeight * Double(request.inputLength) / quantum)))
    // The levels from `entry` on hold quantum * 2^entry * (2^n - 1) tokens between them.
    let used = Double(request.generated) / (quantum * exp2(entry))
    return min(levels - 1, Int(entry + floor(log2(1 + used))))
  }
}
