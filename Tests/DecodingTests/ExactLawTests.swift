import Decoding
import Support
import Testing

/// The law of the whole output, by enumeration of every draw that the decoder can make.
@Suite struct ExactLawTests {
  static let prompt: [TokenID] = [1, 2]

  /// Every filter and penalty alone, and together.
  static let samplings: [SamplingOptions] = [
    SamplingOptions(temperature: 0), SamplingOptions(temperature: 0.5),
    SamplingOptions(temperature: 1), SamplingOptions(temperature: 1.5),
    SamplingOptions(temperature: 1, topK: 2), SamplingOptions(temperature: 1, topP: 0.8),
    SamplingOptions(temperature: 1, minP: 0.3),
    SamplingOptions(temperature: 1, repetitionPenalty: 1.7),
    SamplingOptions(temperature: 0, presencePenalty: 0.8),
    SamplingOptions(temperature: 1, frequencyPenalty: 0.6),
    SamplingOptions(
      temperature: 0.7, topK: 3, topP: 0.9, minP: 0.1, repetitionPenalty: 1.2,
      presencePenalty: 0.3, frequencyPenalty: 0.2),
  ]

  /// Every policy there is: a new one belongs here before it is used.
  static let policies: [any DraftLengthPolicy] =
    [
      FixedDraftLength(0), FixedDraftLength(1), FixedDraftLength(2), FixedDraftLength(3),
      ErraticDraftLength(), ErraticSiblings(), HeuristicDraftLength(start: 1),
      ConfidenceThreshold(),
      ConfidenceThreshold(adapts: true), EntropyThreshold(.adaptive),
      EntropyThreshold(.selfVerified),
      CumulativeConfidence(), CumulativeConfidence(threshold: 0.3, bounds: 1...3),
      GoodputDraftLength(costs: costs),
      BanditDraftLength([
        FixedDraftLength(2), EntropyThreshold(.selfVerified), FixedDraftLength(1),
        FixedDraftLength(0),
      ]),
    ]
    + SurvivalEvidence.allCases.flatMap { evidence -> [any DraftLengthPolicy] in
      [
        CostAwareDraftLength(costs: costs, evidence: evidence),
        SurvivalThreshold(
          SurvivalTracker(evidence, estimator: AcceptanceEstimator(), heads: nil), threshold: 0.6),
      ]
    }

  static let costs = CostModel(draftStep: 0.1, verify: [1, 1.05, 1.2, 1.6, 2])

  @Test("Speculation has the target's law, whatever the sampler", arguments: samplings)
  func samplers(_ sampling: SamplingOptions) throws {
    for policy in Self.policies {
      try check(sampling, policy, vocabulary: 3, length: 4, seeds: (1, 2))
    }
    try check(sampling, FixedDraftLength(2), vocabulary: 4, length: 3, seeds: (3, 4))
  }

  @Test("A draft that is never or always right, or certain, changes nothing", arguments: 0..<4)
  func drafts(_ kind: Int) throws {
    let target = FakeModel(vocabularySize: 3, seed: 5)
    let drafts = [
      FakeModel(vocabularySize: 3, seed: 5),
      FakeModel(vocabularySize: 3) { tokens in target.logits(after: tokens).map { -3 * $0 } },
      FakeModel(vocabularySize: 3) { _ in [0, 50, 0] },
      FakeModel(vocabularySize: 3) { _ in [-.infinity, 0, -.infinity] },
    ]
    let options = GenerationOptions(
      sampling: SamplingOptions(temperature: 1), maxTokens: 4, endOfSequence: [1])
    let plain = PlainLaw(target: target, prompt: Self.prompt, options: options)
    let law = try Enumeration.law { chance in
      try answer(
        target: target, prompt: Self.prompt, options: options,
        drafter: ModelDrafter(model: drafts[kind]), policy: FixedDraftLength(2), chance: chance)
    }
    #expect(totalVariation(law, plain.law) < 1e-10)
  }

  @Test("Look-ups alone and before a model have the target's law", arguments: [0, 1, 3, 4])
  func lookups(_ sampling: Int) throws {
    let target = FakeModel(vocabularySize: 3, seed: 5)
    let options = GenerationOptions(
      sampling: Self.samplings[sampling], maxTokens: 4, endOfSequence: [0])
    let prompt: [TokenID] = [1, 2, 1, 1, 2]
    let plain = PlainLaw(target: target, prompt: prompt, options: options)
    for isHybrid in [false, true] {
      for policy in Self.policies {
        let law = try Enumeration.law { chance in
          let lookup = PromptLookupDrafter(lengths: 1...3)
          let model = try ModelDrafter(model: FakeModel(vocabularySize: 3, seed: 6))
          return try answer(
            target: target, prompt: prompt, options: options,
            drafter: isHybrid ? HybridDrafter(lookup: lookup, model: model) : lookup,
            policy: policy, chance: chance)
        }
        #expect(totalVariation(law, plain.law) < 1e-10, "\(policy.name)")
      }
    }
  }

  private func check(
    _ sampling: SamplingOptions, _ policy: any DraftLengthPolicy, vocabulary: Int, length: Int,
    seeds: (UInt64, UInt64)
  ) throws {
    let target = FakeModel(vocabularySize: vocabulary, seed: seeds.0)
    let draft = FakeModel(vocabularySize: vocabulary, seed: seeds.1)
    let options = GenerationOptions(sampling: sampling, maxTokens: length, endOfSequence: [0])
    let plain = PlainLaw(target: target, prompt: Self.prompt, options: options)
    let law = try Enumeration.law { chance in
      try answer(
        target: target, prompt: Self.prompt, options: options,
        drafter: ModelDrafter(model: draft), policy: policy, chance: chance)
    }
    #expect(abs(law.values.reduce(0, +) - 1) < 1e-10)
    #expect(totalVariation(law, plain.law) < 1e-10, "\(policy.name)")
    #expect(target.openSequences == 0 && draft.openSequences == 0)
  }
}
