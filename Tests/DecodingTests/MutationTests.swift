import Decoding
import Support
import Testing

/// The bugs that implementations of speculative sampling have had, put in on purpose: the exact law
/// must show each of them, or the tests that rely on it prove nothing.
@Suite struct MutationTests {
  static let p = [0.7, 0.2, 0.1]
  static let q = [0.45, 0.35, 0.2]

  /// The law of one token drafted from `q`, and its distance from `p`.
  static func law(_ rule: any VerificationRule) throws -> (law: [Double], distance: Double) {
    let target = FakeModel(probabilities: p)
    let options = GenerationOptions(sampling: SamplingOptions(temperature: 1), maxTokens: 3)
    let law = try Enumeration.law { chance in
      try answer(
        target: target, prompt: [0], options: options,
        drafter: ModelDrafter(model: FakeModel(probabilities: q)), policy: FixedDraftLength(1),
        rule: rule, chance: chance)
    }
    // The second token is the drafted one.
    let second = (0..<3).map { token in
      law.filter { $0.key[1] == token }.values.reduce(0, +)
    }
    return (second, zip(second, p).reduce(0) { $0 + abs($1.0 - $1.1) } / 2)
  }

  @Test func `The right rule has no distance`() throws {
    #expect(try Self.law(TokenVerification()).distance < 1e-7)
  }

  /// Distances as computed by hand from p and q.
  @Test(
    "Each wrong rule is found, at the distance that theory gives it",
    arguments: [
      ("argmax", 0.300), ("drop below 0.4", 0.135), ("drop below 0.25", 0.080),
      ("sample the target", 0.075), ("cold draft", 0.036), ("match and resample", 0.032),
    ])
  func wrong(name: String, distance: Double) throws {
    let rule: any VerificationRule =
      switch name {
      case "argmax": ArgmaxDraft()
      case "drop below 0.4": DroppingVerification(least: 0.4)
      case "drop below 0.25": DroppingVerification(least: 0.25)
      case "sample the target": NoResidual()
      case "cold draft": ColdDraft()
      default: MatchAndResample()
      }
    #expect(abs(try Self.law(rule).distance - distance) < 6e-4)
  }

  @Test func `Matching the target's own sample and emitting it is exact`() throws {
    #expect(try Self.law(MatchAndEmit()).distance < 1e-7)
  }

  @Test func `A bonus token taken greedily is found`() throws {
    let (target, draft) = (
      FakeModel(vocabularySize: 3, seed: 1), FakeModel(vocabularySize: 3, seed: 2)
    )
    #expect(try distance(target, draft, GreedyBonus()) > 0.01)
  }

  @Test func `Probabilities of the wrong position are found`() throws {
    let (target, draft) = (
      FakeModel(vocabularySize: 3, seed: 1), FakeModel(vocabularySize: 3, seed: 2)
    )
    #expect(try distance(target, draft, WrongPosition()) > 0.01)
  }

  @Test("Each bug with siblings is found", arguments: WrongSiblings.Bug.allCases)
  func siblings(_ bug: WrongSiblings.Bug) throws {
    let (target, draft) = (
      FakeModel(vocabularySize: 3, seed: 1), FakeModel(vocabularySize: 3, seed: 2)
    )
    let found = try distance(target, draft, WrongSiblings(bug: bug), ErraticSiblings())
    if bug == .none { #expect(found < 1e-10) } else { #expect(found > 1e-3) }
  }

  @Test func `A cache that keeps rejected tokens is found`() throws {
    // A draft's stale cache may only cost acceptance; a target's changes the law.
    let draft = FakeModel(vocabularySize: 3, seed: 2)
    let target = FakeModel(vocabularySize: 3, seed: 1)
    #expect(try distance(target, draft, TokenVerification()) < 1e-10)
    let stale = StaleCache(target)
    let options = GenerationOptions(sampling: SamplingOptions(temperature: 1), maxTokens: 4)
    let law = try Enumeration.law { chance in
      let generation = try Generation(
        target: stale, prompt: [1], options: options, drafter: ModelDrafter(model: draft),
        policy: FixedDraftLength(2), chance: chance)
      let decoder = SpeculativeDecoder(target: stale)
      while generation.finishReason == nil { _ = try decoder.round(generation) }
      return Array(generation.answer)
    }
    let plain = PlainLaw(target: target, prompt: [1], options: options)
    #expect(totalVariation(law, plain.law) > 0.01)
  }

  private func distance(
    _ target: FakeModel, _ draft: FakeModel, _ rule: any VerificationRule,
    _ policy: any DraftLengthPolicy = FixedDraftLength(2)
  ) throws -> Double {
    let options = GenerationOptions(sampling: SamplingOptions(temperature: 1), maxTokens: 4)
    let law = try Enumeration.law { chance in
      try answer(
        target: target, prompt: [1], options: options, drafter: ModelDrafter(model: draft),
        policy: policy, rule: rule, chance: chance)
    }
    return totalVariation(
      law, PlainLaw(target: target, prompt: [1], options: options).law)
  }
}
