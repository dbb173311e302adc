/// What a step consists of, as far as its duration depends on it.
package struct StepShape: Equatable, Sendable {
  /// Tokens of prompts (and of answers that are computed again).
  package var prefillTokens = 0
  /// Σ over those tokens of the context that each one attends to, itself included.
  package var prefillContext = 0
  /// Requests that add one token.
  package var decodes = 0
  /// Σ over decodes of the context that they attend to, the new token included.
  package var decodeContext = 0
  /// Tokens copied out of the cache or back into it.
  package var swappedTokens = 0
  /// Tokens of prompts that were found in the cache and not computed.
  package var reusedTokens = 0

  package init() {}

  /// Requests that compute a piece of a prompt.
  package var prefills = 0
}

/// The scheduler's decision for one step: who computes how many tokens.
///
/// A driver keeps one value and passes it to every call, so that its storage is reused.
package struct StepPlan: Sendable {
  package struct Entry: Equatable, Sendable {
    /// The scheduler's name for the request while it is there.
    package var slot: Int
    /// Tokens to compute, after those that are computed already.
    package var tokens: Int
    /// Whether it only adds the token that the last step produced.
    package var isDecode: Bool
  }

  package internal(set) var entries: [Entry] = []
  package internal(set) var shape = StepShape()
  /// Out of the token budget, drafts included.
  var budgetUsed = 0

  package init() {}

  package var isEmpty: Bool { entries.isEmpty }

  mutating func clear() {
    entries.removeAll(keepingCapacity: true)
    shape = StepShape()
    budgetUsed = 0
  }
}
