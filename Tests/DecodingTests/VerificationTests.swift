import Decoding
import Support
import Testing

/// The accept/residual rule integrated analytically, and the three rules end to end.
@Suite struct VerificationTests {
  /// A distribution over `count` tokens, often with zeros, sometimes a point mass.
  static func randomDistribution(
    _ count: Int, _ generator: inout SeededGenerator
  ) -> TokenDistribution {
    let isSparse = Bool.random(using: &generator)
    if Int.random(in: 0..<10, using: &generator) == 0 {
      return TokenDistribution(only: .random(in: 0..<TokenID(count), using: &generator))
    }
    var weights = (0..<count).map { _ in
      isSparse && Bool.random(using: &generator)
        ? 0 : Double.random(in: 0...1, using: &generator) * .random(in: 0...1, using: &generator)
    }
    weights[.random(in: 0..<count, using: &generator)] += 0.01
    guard isSparse else { return TokenDistribution(weights: weights) }
    let kept = weights.indices.filter { weights[$0] > 0 }
    return TokenDistribution(
      tokens: kept.map(TokenID.init), weights: kept.map { weights[$0] })
  }

  @Test func `Accepting and replacing gives the target's law for 20,000 random pairs`() {
    var generator = SeededGenerator(seed: 11)
    var worst = 0.0
    for round in 0..<20_000 {
      let count = Int.random(in: 2...12, using: &generator)
      let p = Self.randomDistribution(count, &generator)
      let q = round % 50 == 0 ? p : Self.randomDistribution(count, &generator)
      let residual = p.residual(over: q)
      let tokens = 0..<TokenID(count)
      let accept = tokens.map {
        q.probability(of: $0) > 0
          ? TokenVerification.acceptance(of: $0, target: p, draft: q) : 0
      }
      let rejected = zip(tokens, accept).reduce(0) { $0 + q.probability(of: $1.0) * (1 - $1.1) }
      for token in tokens {
        let mass =
          q.probability(of: token) * accept[Int(token)]
          + rejected * residual.probability(of: token)
        worst = max(worst, abs(mass - p.probability(of: token)))
      }
    }
    #expect(worst < 1e-12)
  }

  static let rules: [any VerificationRule] = [
    TokenVerification(), BlockVerification(), CoupledVerification(),
  ]

  @Test("Judging blocks together has the target's law", arguments: ExactLawTests.samplings)
  func block(_ sampling: SamplingOptions) throws {
    let target = FakeModel(vocabularySize: 3, seed: 1)
    for (index, policy) in ExactLawTests.policies.enumerated() {
      let draft = FakeModel(vocabularySize: 3, seed: UInt64(2 + index))
      let options = GenerationOptions(sampling: sampling, maxTokens: 4, endOfSequence: [0])
      let plain = PlainLaw(target: target, prompt: [1], options: options)
      let law = try Enumeration.law { chance in
        try answer(
          target: target, prompt: [1], options: options, drafter: ModelDrafter(model: draft),
          policy: policy, rule: BlockVerification(), chance: chance)
      }
      #expect(totalVariation(law, plain.law) < 1e-10, "\(policy.name)")
    }
  }

  @Test func `A block keeps at least as many candidates as token by token`() throws {
    for seed in 0..<20 as Range<UInt64> {
      var kept: [Double] = []
      for rule in [TokenVerification(), BlockVerification()] as [any VerificationRule] {
        let target = FakeModel(vocabularySize: 3, seed: seed)
        let draft = FakeModel(vocabularySize: 3, seed: seed + 100)
        let options = GenerationOptions(
          sampling: SamplingOptions(temperature: 1), maxTokens: 5)
        // The expectation of the accepted length of the first drafting round, exactly.
        let law = try Enumeration.law { chance in
          let generation = try Generation(
            target: target, prompt: [1], options: options, drafter: ModelDrafter(model: draft),
            policy: FixedDraftLength(3), rule: rule, chance: chance)
          let decoder = SpeculativeDecoder(target: target)
          _ = try decoder.round(generation)
          return [TokenID(try decoder.round(generation).record.accepted)]
        }
        kept.append(law.reduce(0) { $0 + Double($1.key[0]) * $1.value })
      }
      #expect(kept[1] >= kept[0] - 1e-12)
    }
  }

  @Test(
    "Coupled decoding with a seed gives the text of plain decoding, whatever is drafted",
    arguments: [0, 0.7, 1.3] as [Double])
  func coupled(_ temperature: Double) throws {
    let target = FakeModel(vocabularySize: 40, contextLength: 200, seed: 1)
    let draft = FakeModel(vocabularySize: 40, contextLength: 200) { tokens in
      zip(target.logits(after: tokens), 0...).map { $0 + Float($1 % 3) / 2 }
    }
    for seed in 0..<20 as Range<UInt64> {
      let options = GenerationOptions(
        sampling: SamplingOptions(temperature: temperature, topP: 0.95, seed: seed),
        maxTokens: 60, request: seed)
      let answers = try ExactLawTests.policies.map { policy in
        try answer(
          target: target, prompt: [1, 2], options: options, drafter: ModelDrafter(model: draft),
          policy: policy, rule: CoupledVerification())
      }
      #expect(Set(answers).count == 1)
    }
  }

  @Test("Each rule keeps every candidate of a draft that is the target", arguments: 0..<3)
  func perfectDraft(_ rule: Int) throws {
    let target = FakeModel(vocabularySize: 30, contextLength: 100, seed: 3)
    let twin = FakeModel(vocabularySize: 30, contextLength: 100, seed: 3)
    let options = GenerationOptions(
      sampling: SamplingOptions(temperature: 1, seed: 5), maxTokens: 61)
    _ = try answer(
      target: target, prompt: [4], options: options, drafter: ModelDrafter(model: twin),
      policy: FixedDraftLength(3), rule: Self.rules[rule])
    #expect(target.forwards == 1 + 60 / 4)
  }
}
