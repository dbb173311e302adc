/// How a step is put together.
package enum Batching: String, CaseIterable, Sendable {
  /// vLLM V1: running requests in order, then waiting ones, out of one token budget; long prompts
  /// in chunks. There is no prefill or decode step.
  case continuous
  /// Sarathi-Serve (arXiv 2403.02310): as above, with every decode before any chunk of a prompt, so
  /// that a prompt never holds up a decode.
  case sarathi
  /// Orca (OSDI '22): decodes and whole prompts side by side.
  case orca
  /// vLLM before V1: whole prompts in steps of their own, before any decode.
  case prefillFirst
  /// FasterTransformer: a batch runs until its last request is done, then comes the next.
  case batchToCompletion

  /// Whether a prompt may be computed in pieces.
  package var splitsPrompts: Bool { self == .continuous || self == .sarathi }
}

/// What becomes of a preempted request's keys and values.
package enum PreemptionKind: String, CaseIterable, Sendable {
  /// They are dropped; prompt and answer so far are computed again.
  case recompute
  /// They are copied out, and back in before the request goes on.
  case swap
}

/// The limits of an engine. The defaults are vLLM's.
package struct SchedulerConfiguration: Equatable, Sendable {
  package var batching = Batching.continuous
  package var preemption = PreemptionKind.recompute
  /// The most tokens in a step.
  package var tokenBudget = 2048
  /// The most requests that run at once.
  package var maximumRunning = 128
  /// Tokens in a block of the cache.
  package var blockSize = 16
  /// Usable blocks of the cache: what the server's log says, less the one that vLLM keeps back.
  package var blockCount = 4096
  /// A prompt's chunk is at most this long; 0 is no limit.
  package var longPrefillThreshold = 0
  /// A waiting request gets in only if all that is known of it fits, not just its first chunk
  /// (`scheduler_reserve_full_isl`).
  package var reservesWholePrompt = true
  /// The answer's limit for requests that name none.
  package var outputLimit = 4096
  /// A step is planned while the one before it runs (vLLM's `async_scheduling`): the plan knows only
  /// who had come when that one began, and has the slots and blocks of those who end in it a step
  /// later.
  package var isPipelined = false
  /// Draft tokens that each decode may carry; they take budget and room in the cache.
  package var lookahead = 0
  /// Requests that begin alike share blocks, where the trace names its prompts' blocks, and who was
  /// preempted finds what is left of its own (vLLM's `enable_prefix_caching`).
  package var cachesPrefixes = false

  package init() {}

  /// - Throws: `.invalidSetting` naming the limit that cannot be.
  package func validate() throws(WorkloadError) {
    func require(_ condition: Bool, _ problem: String) throws(WorkloadError) {
      if !condition {
        throw WorkloadError(.invalidSetting, source: "scheduler", problem: problem)
      }
    }
    try require(tokenBudget >= 1, "the token budget must be at least 1")
    try require(maximumRunning >= 1, "at least one request must be able to run")
    try require(blockSize >= 1, "a block must hold a token")
    try require(blockCount >= 1, "the cache must have a block")
    try require(longPrefillThreshold >= 0, "the chunk limit must be 0 or more")
    try require(outputLimit >= 1, "the output limit must be at least 1")
    try require((0...64).contains(lookahead), "the lookahead must be in 0 to 64")
    try require(
      !cachesPrefixes || preemption == .recompute,
      "cached prefixes and swapping exclude each other")
    try require(
      tokenBudget > lookahead, "the token budget must hold a decode and its drafts")
  }

  /// Blocks that hold this many tokens.
  package func blocks(for tokens: Int) -> Int { (tokens + blockSize - 1) / blockSize }
}
