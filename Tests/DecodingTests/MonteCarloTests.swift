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
    _ chance: (UInt64) -> any ChanceSource
  ) throws -> (statistic: Double, degrees: Int) {
    let target = FakeModel(vocabularySize: 8, seed: 21)
    let draft = FakeModel(vocabularySize: 8, seed: 22)
    let options = GenerationOptions(sampling: SamplingOptions(temperature: 1.2), maxTokens: 3)
    var counts: [[TokenID]: Int] = [:]
    for request in 0..<UInt64(Self.count) {
      let tokens = try answer(
        target: target, prompt: [1], options: options, drafter: ModelDrafter(model: draft),
        policy: FixedDraftLength(2), chance: chance(request))
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

  @Test func `Seeded speculation has the target's law`() throws {
    let (statistic, degrees) = try Self.chiSquare { SeededChance(seed: 99, request: $0) }
    #expect(degrees > 100)
    #expect(statistic < Self.bound(degrees), "\(statistic) with \(degrees) degrees of freedom")
  }

  @Test func `A number used for both the draw and the judgement is found`() throws {
    let (statistic, degrees) = try Self.chiSquare { ReusingChance(seed: 99, request: $0) }
    #expect(statistic > Self.bound(degrees))
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
