/// The tokens of a request: the prompt, the answer so far and, inside a round, its candidates; with
/// the one way in which logits after them become a distribution.
package struct Prefix: Sendable {
  package private(set) var tokens: [TokenID]
  package let promptCount: Int
  private let warper: LogitsWarper
  private var history: TokenHistory

  package init(prompt: [TokenID], sampling: SamplingOptions) {
    tokens = prompt
    promptCount = prompt.count
    warper = LogitsWarper(sampling)
    history = TokenHistory(prompt: sampling.hasPenalties ? prompt : [])
  }

  package var count: Int { tokens.count }

  package mutating func append(_ token: TokenID) {
    tokens.append(token)
    if warper.options.hasPenalties { history.append(token) }
  }

  /// Takes back the last `count` tokens.
  package mutating func removeLast(_ count: Int) {
    if warper.options.hasPenalties { for token in tokens.suffix(count) { history.remove(token) } }
    tokens.removeLast(count)
  }

  /// What the next token is drawn from, given the logits after the last one.
  package func distribution(_ logits: UnsafeBufferPointer<Float>) -> TokenDistribution {
    warper.distribution(logits, history: history)
  }
}
