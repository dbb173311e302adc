import Decoding
import Support
import Testing

/// The seeded numbers themselves: enumeration proves the rules, this proves that the draws behind
/// them are independent. Seeds are fixed, so a pass today is a pass tomorrow; the bounds leave a
/// false alarm to one seed in ten thousand.
@Suite struct MonteCarloTests {
  static let count = 60_000

  /// Pearson's statistic of sampled answers against the exact law, and its degrees of freedom.
  static func chiSquare(
    _ target: FakeModel, _ draft: FakeModel, temperature: Double = 1, length: Int,
    policy: any DraftLengthPolicy = FixedDraftLength(2),
    rule: any VerificationRule = TokenVerification(), _ chance: (UInt64) -> any ChanceSource
  ) throws -> (statistic: Double, degrees: Int) {
    let options = GenerationOptions(
      sampling: SamplingOptions(temperature: temperature), maxTokens: length)
    var counts: [[TokenID]: Int] = [:]
    for request in 0..<UInt64(Self.count) {
      let tokens = try answer(
        target: target, prompt: [1], options: options, drafter: ModelDrafter(model: draft),
        policy: policy, rule: rule, chance: chance(request))
      counts[tokens, default: 0] += 1
    }
    let law = PlainLaw(target: target, prompt: [1], options: options).law
    var (statistic, cells) = (0.0, 0)
    var (rareSeen, rareExpected) = (0.0, 0.0)
    for (tokens, probability) in law {
      let expected = probability * Double(Self.count)
      let seen = Double(counts[tokens, default: 0])
      if expected < 10 {
        rareSeen += seen
        rareExpected += expected
      } else {
        statistic += (seen - expected) * (seen - expected) / expected
        cells += 1
      }
    }
    if rareExpected >= 10 {
      statistic += (rareSeen - rareExpected) * (rareSeen - rareExpected) / rareExpected
      cells += 1
    }
    return (statistic, cells - 1)
  }

  /// The 99.99 % quantile of chi-square (Wilson and Hilferty's approximation).
  static func bound(_ degrees: Int) -> Double {
    let k = Double(degrees)
    let cube = 1 - 2 / (9 * k) + 3.719 * (2 / (9 * k)).squareRoot()
    return k * cube * cube * cube
  }

  /// Of one round behind the prompt.
  static func oneRound(
    _ chance: (UInt64) -> any ChanceSource
  ) throws -> (statistic: Double, degrees: Int) {
    try chiSquare(
      FakeModel(vocabularySize: 8, seed: 21), FakeModel(vocabularySize: 8, seed: 22),
      temperature: 1.2, length: 3, chance)
  }

  @Test func `Seeded speculation has the target's law`() throws {
    let (statistic, degrees) = try Self.oneRound { SeededChance(seed: 99, request: $0) }
    #expect(degrees > 100)
    #expect(statistic < Self.bound(degrees), "\(statistic) with \(degrees) degrees of freedom")
  }

  @Test func `A number used for both the draw and the judgement is found`() throws {
    let (statistic, degrees) = try Self.oneRound { ReusingChance(seed: 99, request: $0) }
    #expect(statistic > Self.bound(degrees))
  }

  /// What later candidates decide: how many a block keeps, and where siblings are.
  static let looksAhead: [(rule: any VerificationRule, policy: any DraftLengthPolicy)] = [
    (BlockVerification(), FixedDraftLength(2)), (BlockVerification(), ErraticSiblings()),
    (TokenVerification(), ErraticSiblings()),
  ]

  @Test(
    "Numbers of several rounds have the target's law, and without the round they do not",
    arguments: 0..<3)
  func rounds(_ kind: Int) throws {
    let (target, draft) = (
      FakeModel(probabilities: [0.5, 0.3, 0.2]), FakeModel(probabilities: [0.2, 0.3, 0.5])
    )
    let (rule, policy) = Self.looksAhead[kind]
    func chiSquare(_ chance: (UInt64) -> any ChanceSource) throws -> Double {
      let (statistic, degrees) = try Self.chiSquare(
        target, draft, length: 5, policy: policy, rule: rule, chance)
      return statistic / Self.bound(degrees)
    }
    #expect(try chiSquare { SeededChance(seed: 99, request: $0) } < 1)
    #expect(try chiSquare { RoundlessChance(SeededChance(seed: 99, request: $0)) } > 1)
  }
}

/// The bug of the same numbers in every round: a candidate that is thrown away is drawn again by
/// the number that had it thrown away.
private struct RoundlessChance: ChanceSource {
  private var chance: SeededChance

  init(_ chance: SeededChance) { self.chance = chance }

  mutating func beginRound(at position: Int) {}

  mutating func token(
    from distribution: TokenDistribution, position: Int, purpose: ChancePurpose
  ) -> TokenID { chance.token(from: distribution, position: position, purpose: purpose) }

  mutating func accepts(probability: Double, position: Int, purpose: ChancePurpose) -> Bool {
    chance.accepts(probability: probability, position: position, purpose: purpose)
  }

  mutating func coupledToken(from distribution: TokenDistribution, position: Int) -> TokenID {
    chance.coupledToken(from: distribution, position: position)
  }
}

/// The bug of one uniform number for two purposes.
private struct ReusingChance: ChanceSource {
  let seed: UInt64
  let request: UInt64

  private func uniform(_ position: Int) -> Double {
    let counter = SIMD4<UInt32>(UInt32(position), 0, UInt32(truncatingIfNeeded: request), 0)
    let words = Philox.words(key: seed, counter: counter)
    return Philox.unit(words[0], words[1])
  }

  mutating func beginRound(at position: Int) {}

  mutating func token(
    from distribution: TokenDistribution, position: Int, purpose: ChancePurpose
  ) -> TokenID { distribution.token(at: uniform(position)) }

  mutating func accepts(probability: Double, position: Int, purpose: ChancePurpose) -> Bool {
    uniform(position) < probability
  }

  mutating func coupledToken(from distribution: TokenDistribution, position: Int) -> TokenID {
    distribution.token(at: uniform(position))
  }
}
