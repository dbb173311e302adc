/// A transition of a request. All metrics of a run are folds over these and its steps.
package struct SchedulerEvent: Hashable, Sendable {
  package enum Kind: UInt8, CaseIterable, Sendable {
    /// It joined the waiting queue; `tokens` is its prompt's length.
    case arrived
    /// It can never fit into the cache and was turned away; `tokens` is what it had generated.
    case rejected
    /// It runs for the first time; `tokens` were found in the prefix cache.
    case admitted
    /// It runs again after a preemption; `tokens` is what it had generated.
    case resumed
    /// It lost its place; `tokens` are those whose work is lost (or swapped).
    case preempted
    /// The first token of its answer is out.
    case firstToken
    /// It is done; `tokens` is the answer's length.
    case finished
    /// The client took it back; `tokens` is what it had generated.
    case cancelled
  }

  package var time: Time
  package var kind: Kind
  /// `Request.id`.
  package var request: Int
  package var tokens: Int

  package init(time: Time, kind: Kind, request: Int, tokens: Int) {
    self.time = time
    self.kind = kind
    self.request = request
    self.tokens = tokens
  }
}
