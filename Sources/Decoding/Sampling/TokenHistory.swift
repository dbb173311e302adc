/// How often each token has occurred, for the penalties. Counts follow candidates as they come and
/// go, so that a candidate's row is penalised by exactly the prefix that stands before it.
package struct TokenHistory: Sendable {
  private var counts: [TokenID: (all: Int, answer: Int)] = [:]

  package init(prompt: [TokenID]) {
    for token in prompt { counts[token, default: (0, 0)].all += 1 }
  }

  package mutating func append(_ token: TokenID) {
    counts[token, default: (0, 0)].all += 1
    counts[token, default: (0, 0)].answer += 1
  }

  /// Takes back an appended token.
  package mutating func remove(_ token: TokenID) {
    guard var count = counts[token] else { return }
    count.all -= 1
    count.answer -= 1
    counts[token] = count.all > 0 ? count : nil
  }

  func penalise(_ logits: inout [Float], _ options: SamplingOptions) {
    let (repetition, presence, frequency) = (
      Float(options.repetitionPenalty), Float(options.presencePenalty),
      Float(options.frequencyPenalty)
    )
    for (token, count) in counts where logits.indices.contains(Int(token)) {
      var logit = logits[Int(token)]
      logit = logit > 0 ? logit / repetition : logit * repetition
      if count.answer > 0 { logit -= presence + frequency * Float(count.answer) }
      logits[Int(token)] = logit
    }
  }
}
