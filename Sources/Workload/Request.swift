/// One request of a trace: when it came, how long its prompt was and how long its answer became.
package struct Request: Equatable, Sendable {
  /// Its row in the trace, counted from 0: unique, and the last tie-breaker everywhere.
  package var id: Int
  package var arrival: Time
  /// Tokens of the prompt, at least 1.
  package var inputLength: Int
  /// Tokens of the answer, at least 1. Only predictors that say so and the simulator's engine read
  /// it; the scheduler never sees it.
  package var outputLength: Int
  /// The most tokens the client allows; `nil` where the trace does not say.
  package var outputLimit: Int?
  /// Lower is sooner, as in vLLM.
  package var priority = 0
  /// Who sent it: an index into the trace's names.
  package var client = 0
  /// Its class of service (a chat turn, a model, a type): an index into the trace's names.
  package var serviceClass = 0
  /// Names of the prompt's leading blocks; two requests that begin with equal names share that text.
  package var prefixHashes: [UInt64] = []
  /// Tokens that each of those names.
  package var prefixBlockSize = 0
  /// The prompt itself, where the trace has it.
  package var text: String?

  package init(id: Int, arrival: Time, inputLength: Int, outputLength: Int) {
    self.id = id
    self.arrival = arrival
    self.inputLength = inputLength
    self.outputLength = outputLength
  }
}
