/// How one request is answered.
package struct GenerationOptions: Sendable {
  package var sampling: SamplingOptions
  /// The most tokens of the answer, at least 1.
  package var maxTokens: Int
  /// Tokens that end the answer; empty to go on past them.
  package var endOfSequence: Set<TokenID>
  /// Tells the random numbers of requests with the same seed apart.
  package var request: UInt64
  /// Keep the target's final hidden state before the first token of the answer, and again whenever
  /// the answer has grown by so many tokens; nil for never.
  package var stateInterval: Int?

  package init(
    sampling: SamplingOptions = SamplingOptions(), maxTokens: Int = 256,
    endOfSequence: Set<TokenID> = [], request: UInt64 = 0,
    stateInterval: Int? = nil
  ) {
    self.sampling = sampling
    self.maxTokens = maxTokens
    self.endOfSequence = endOfSequence
    self.request = request
    self.stateInterval = stateInterval
  }
}

/// Why an answer ended.
package enum FinishReason: String, Sendable, Codable {
  /// An end-of-sequence token.
  case stop
  /// The limit of tokens, or the end of the context.
  case length
}

/// A token of the answer.
package struct EmittedToken: Sendable, Equatable {
  package var token: TokenID
  /// The draft proposed it, and the target kept it.
  package var isDraft: Bool
}

/// What the target knew at one moment of an answer.
package struct AnswerState: Sendable, Equatable {
  /// Tokens that the answer had; none of them ended it.
  package var generated: Int
  /// The final hidden state from which the next token is drawn, `hiddenSize` numbers.
  package var hidden: [Float]

  package init(generated: Int, hidden: [Float]) {
    self.generated = generated
    self.hidden = hidden
  }
}

/// One request on its way: what was said so far, and who proposes what comes next.
///
/// `SpeculativeDecoder.round` moves it on.
package final class Generation {
  package let options: GenerationOptions
  package internal(set) var prefix: Prefix
  /// Nil while the answer goes on.
  package internal(set) var finishReason: FinishReason?
  /// Not to be exchanged while a round is under way.
  package var policy: any DraftLengthPolicy
  package internal(set) var statistics = GenerationStatistics()
  /// Whether the last round kept a sibling, which the target's cache does not hold.
  var isBehindSibling = false
  /// By the tokens generated, where the options ask for them.
  package private(set) var states: [AnswerState] = []

  let target: any LanguageModel
  let sequence: SequenceID
  let drafter: (any Drafter)?
  let rule: any VerificationRule
  var chance: any ChanceSource

  /// - Parameter shared: the prompt, if the target has read it already; only its last token is fed
  ///   again.
  /// - Throws: `GenerationError` for settings, an empty prompt, one too long for the target's context
  ///   or with tokens that it does not know; what the model throws when it cannot open a sequence.
  package init(
    target: any LanguageModel, prompt: [TokenID], options: GenerationOptions,
    drafter: (any Drafter)? = nil, policy: any DraftLengthPolicy = FixedDraftLength(0),
    rule: any VerificationRule = TokenVerification(), chance: (any ChanceSource)? = nil,
    shared: SharedPrompt? = nil
  ) throws {
    try options.sampling.validate()
    guard !prompt.isEmpty else { throw GenerationError.emptyPrompt }
    guard prompt.count <= target.contextLength else {
      throw GenerationError.promptTooLong(tokens: prompt.count, context: target.contextLength)
    }
    for token in prompt where !(0..<target.vocabularySize).contains(Int(token)) {
      throw GenerationError.tokenOutsideVocabulary(
        token: token, vocabularySize: target.vocabularySize)
    }
    guard options.maxTokens > 0 else {
      throw GenerationError.setting(
        name: "max-tokens", value: "\(options.maxTokens)", allowed: "1 or more")
    }
    self.options = options
    self.target = target
    self.drafter = drafter
    self.policy = policy
    self.rule = rule
    self.chance =
      chance ?? SeededChance(seed: options.sampling.seed, request: options.request)
    prefix = Prefix(prompt: prompt, sampling: options.sampling)
    sequence = try shared?.fork() ?? target.openSequence()
  }

  deinit { target.closeSequence(sequence) }

  /// The tokens of the answer so far.
  package var answer: ArraySlice<TokenID> { prefix.tokens[prefix.promptCount...] }

  /// Tokens that the target has not read: the prompt at first, one between rounds, two behind a
  /// sibling.
  package var unread: Int { prefix.count - target.length(of: sequence) }

  /// Whether reading so many tokens is a round, since nothing is unread after them. A scheduler counts
  /// one unread token between rounds; behind a sibling there are two.
  package func speaks(reading tokens: Int) -> Bool {
    tokens == unread || isBehindSibling && tokens + 1 == unread
  }

  /// The next `count` unread tokens, for a forward beside others' rounds; fewer than there are,
  /// since the last one is for a round of its own.
  package func piece(_ count: Int) -> Slice {
    let start = target.length(of: sequence)
    return Slice(sequence, tokens: prefix.tokens[start..<start + count], rows: 0)
  }

  /// Empties both caches: the text stays, and is read again by the next round.
  package func forget() {
    isBehindSibling = false
    target.rewind(sequence, to: 0)
    drafter?.rewind(to: 0)
  }

  /// The most candidates of the next round: the token that every round emits must fit too, and the
  /// target must hold what it is fed.
  var room: Int {
    let left = options.maxTokens - answer.count
    return max(0, min(left - 1, target.contextLength - prefix.count))
  }

  /// Keeps the state behind the candidates that were kept, if it is time for one.
  func keepState(row: Int, of output: ForwardOutput, behind kept: [EmittedToken]) {
    guard let interval = options.stateInterval else { return }
    let generated = answer.count + kept.count
    let isDue = states.last.map { generated / interval > $0.generated / interval } ?? true
    guard isDue, !kept.contains(where: { options.endOfSequence.contains($0.token) }) else { return }
    states.append(AnswerState(generated: generated, hidden: output.hiddenRow(row)))
  }

  /// Appends what a round emits, up to and including the first token that ends the answer.
  ///
  /// - Returns: the tokens appended.
  func emit(_ tokens: [EmittedToken]) -> [EmittedToken] {
    var emitted: [EmittedToken] = []
    for token in tokens where finishReason == nil {
      prefix.append(token.token)
      emitted.append(token)
      if options.endOfSequence.contains(token.token) {
        finishReason = .stop
      } else if answer.count >= options.maxTokens || prefix.count > target.contextLength {
        finishReason = .length
      }
    }
    return emitted
  }
}
