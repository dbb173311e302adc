import Decoding
import Support
import Testing

@testable import foretoken

@Suite struct SyntheticAcceptanceTests {
  @Test(
    "A mean length is spent on the first places, as vLLM spends it",
    arguments: [
      (2.6, [1, 0.6]), (1.0, [0.0]), (4.0, [1, 1, 1, 0]), (3.5, [1, 1, 0.5]),
    ])
  func lengths(_ length: Double, _ rates: [Double]) throws {
    let found = try SyntheticAcceptance(length: length).rates
    #expect(found.count == rates.count)
    for (a, b) in zip(found, rates) { #expect(abs(a - b) < 1e-12) }
  }

  @Test func `Unconditional rates become chances given the place before`() throws {
    let acceptance = try SyntheticAcceptance(rates: [0.8, 0.6, 0.3, 0, 0])
    let chances = (0..<6).map(acceptance.conditional)
    for (found, expected) in zip(chances, [0.8, 0.75, 0.5, 0, 0, 0]) {
      #expect(abs(found - expected) < 1e-12)
    }
  }

  @Test(
    "Rates that rise, or are no rates, are refused",
    arguments: [[], [0.5, 0.6], [1.1], [-0.1], [Double.nan]])
  func refusals(_ rates: [Double]) {
    #expect(throws: CommandError.self) { try SyntheticAcceptance(rates: rates) }
  }

  @Test func `Rounds keep as many as was declared, whatever the models say`() throws {
    let rates = [0.9, 0.6, 0.2]
    let model = FakeModel(vocabularySize: 30, contextLength: 20_000, seed: 4)
    let generation = try Generation(
      target: model, prompt: [1],
      options: GenerationOptions(
        sampling: SamplingOptions(temperature: 1, seed: 5), maxTokens: 15_000),
      drafter: ModelDrafter(model: FakeModel(vocabularySize: 30, contextLength: 20_000, seed: 8)),
      policy: FixedDraftLength(3),
      rule: SyntheticVerification(acceptance: try SyntheticAcceptance(rates: rates)))
    let decoder = SpeculativeDecoder(target: model)
    while generation.finishReason == nil { _ = try decoder.round(generation) }
    let statistics = generation.statistics
    for (place, rate) in rates.enumerated() {
      let found = Double(statistics.acceptedAt[place]) / Double(statistics.rounds)
      // Five standard deviations of some 5,500 rounds.
      #expect(abs(found - rate) < 0.035)
    }
  }
}
