import Decoding
import Support

/// What plain decoding with a fake target must give, written down without the decoder: the product
/// of the next-token distributions.
struct PlainLaw {
  let target: FakeModel
  let prompt: [TokenID]
  let options: GenerationOptions

  func distribution(after answer: [TokenID]) -> TokenDistribution {
    var history = TokenHistory(prompt: prompt)
    for token in answer { history.append(token) }
    let logits = target.logits(after: (prompt + answer)[...])
    return logits.withUnsafeBufferPointer {
      LogitsWarper(options.sampling).distribution($0, history: history)
    }
  }

  var law: [[TokenID]: Double] {
    var law: [[TokenID]: Double] = [:]
    extend([], 1, &law)
    return law
  }

  private func extend(_ answer: [TokenID], _ mass: Double, _ law: inout [[TokenID]: Double]) {
    let isEnded = answer.last.map(options.endOfSequence.contains) ?? false
    if isEnded || answer.count == options.maxTokens {
      law[answer, default: 0] += mass
      return
    }
    let next = distribution(after: answer)
    for token in 0..<TokenID(target.vocabularySize) where next.probability(of: token) > 0 {
      extend(answer + [token], mass * next.probability(of: token), &law)
    }
  }
}

/// Runs a generation to its end.
func answer(
  target: FakeModel, prompt: [TokenID], options: GenerationOptions,
  drafter: (any Drafter)?, policy: any DraftLengthPolicy,
  rule: any VerificationRule = TokenVerification(), chance: (any ChanceSource)? = nil,
  observe: (RoundRecord) -> Void = { _ in }
) throws -> [TokenID] {
  let decoder = SpeculativeDecoder(target: target)
  let generation = try Generation(
    target: target, prompt: prompt, options: options, drafter: drafter, policy: policy, rule: rule,
    chance: chance)
  while generation.finishReason == nil { observe(try decoder.round(generation).record) }
  return Array(generation.answer)
}

/// A different length every round, and sometimes none, by what may be known.
struct ErraticDraftLength: DraftLengthPolicy {
  let name = "erratic"
  let needs: EvidenceNeeds = [.summary]

  mutating func scoresAnother(_ state: DraftState) -> Bool {
    // Looks at drawn candidates and their draws' probabilities, as policies may.
    let sum = state.candidates.reduce(state.position * 7) { $0 + Int($1.token) * 3 + 1 }
    return state.candidates.count < 4 && sum % 5 != 0
  }

  mutating func submits(_ next: DraftEvidence, after state: DraftState) -> Bool {
    (next.summary?.topProbability ?? 0) > 0.4
  }
}

/// A few candidates, and second ones at places that depend on all of them.
struct ErraticSiblings: DraftLengthPolicy {
  let name = "erratic-siblings"
  let needs: EvidenceNeeds = [.summary]
  var most = 2

  mutating func scoresAnother(_ state: DraftState) -> Bool {
    state.candidates.count < most && Self.sum(state) % 7 != 0
  }

  mutating func siblings(_ state: DraftState) -> [Int] {
    state.candidates.indices.filter { (Self.sum(state) >> $0) % 4 != 1 }
  }

  private static func sum(_ state: DraftState) -> Int {
    state.candidates.reduce(state.position * 3 + 1) { $0 * 2 + Int($1.token) * 3 + 1 }
  }
}
