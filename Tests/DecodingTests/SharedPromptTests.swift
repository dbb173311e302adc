import Decoding
import Support
import Testing

@Suite struct SharedPromptTests {
  private func answer(
    _ target: FakeModel, _ prompt: [TokenID], draw: Int, shared: SharedPrompt?
  ) throws -> [TokenID] {
    let generation = try Generation(
      target: target, prompt: prompt,
      options: GenerationOptions(
        sampling: SamplingOptions(temperature: 1, seed: 5), maxTokens: 12, endOfSequence: [0],
        request: UInt64(draw)),
      shared: shared)
    let decoder = SpeculativeDecoder(target: target)
    while generation.finishReason == nil { _ = try decoder.round(generation) }
    return Array(generation.answer)
  }

  @Test(arguments: [[3], [3, 1, 4, 1, 5]] as [[TokenID]])
  func `Answers from a shared prompt are those of prompts read one by one`(_ prompt: [TokenID])
    throws
  {
    let target = FakeModel(vocabularySize: 7, seed: 11)
    let alone = try (0..<20).map { try answer(target, prompt, draw: $0, shared: nil) }
    #expect(Set(alone).count > 10)
    do {
      let shared = try SharedPrompt(target: target, prompt: prompt)
      let together = try (0..<20).map { try answer(target, prompt, draw: $0, shared: shared) }
      #expect(together == alone)
    }
    #expect(target.openSequences == 0)
  }

  @Test func `The prompt is read once, whatever the number of answers`() throws {
    var fed = 0
    let target = FakeModel(vocabularySize: 7) { tokens in
      fed += 1
      return (0..<7).map { Float(($0 + tokens.count) % 7) }
    }
    let prompt: [TokenID] = [1, 2, 3, 4]
    let shared = try SharedPrompt(target: target, prompt: prompt)
    #expect(fed == 0 && target.forwards == 1)
    let lengths = try (0..<5).map { try answer(target, prompt, draw: $0, shared: shared).count }
    // A row for each token of the answers, and none for the prompt.
    #expect(fed == lengths.reduce(0, +))
  }
}
