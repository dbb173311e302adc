import Decoding
import Support
import Testing

/// Greedy text is the same whatever is drafted, and the number of forwards is what theory says.
@Suite struct GreedyIdentityTests {
  static func plain(_ target: FakeModel, _ options: GenerationOptions) throws -> [TokenID] {
    try answer(
      target: target, prompt: [1], options: options, drafter: nil, policy: FixedDraftLength(0))
  }

  @Test(
    "Adversarial drafts change no token and cost the forwards that they must",
    arguments: ["right", "wrong", "random", "ending", "constant"], [1, 2, 3, 5, 8, 20])
  func adversarial(draft name: String, length: Int) throws {
    // Token 49 would end the answer; the target never says it.
    let random = FakeModel(vocabularySize: 50, contextLength: 400, seed: 9)
    let target = FakeModel(vocabularySize: 50, contextLength: 400) { tokens in
      random.logits(after: tokens).dropLast() + [-9]
    }
    let draft = FakeModel(vocabularySize: 50, contextLength: 400) { tokens in
      let logits = target.logits(after: tokens)
      switch name {
      case "right": return logits
      case "wrong": return logits.map { -$0 }
      case "ending": return logits.indices.map { $0 == 49 ? 99 : 0 }
      case "constant": return logits.indices.map { $0 == 7 ? 99 : 0 }
      default:
        var generator = SeededGenerator(seed: UInt64(tokens.count))
        return logits.map { _ in .random(in: 0...1, using: &generator) }
      }
    }
    let options = GenerationOptions(maxTokens: 100, endOfSequence: [49])
    let expected = try Self.plain(target, options)
    #expect(expected.count == 100 && !expected.contains(49))
    let before = target.forwards
    let found = try answer(
      target: target, prompt: [1], options: options, drafter: ModelDrafter(model: draft),
      policy: FixedDraftLength(length))
    #expect(found == expected)
    let rounds = target.forwards - before - 1  // one reads the prompt and gives the first token
    switch name {
    case "right": #expect(rounds == (99 + length) / (length + 1))
    case "wrong", "ending": #expect(rounds == 99)
    default: #expect((99 + length) / (length + 1)...99 ~= rounds)
    }
  }

  @Test func `An end inside a draft, at its end and as the extra token all end the answer`() throws
  {
    // The greedy text counts up to the end token 9, from wherever it begins.
    let target = FakeModel(vocabularySize: 10) { tokens in
      (0..<10).map { $0 == Int(tokens.last ?? 0) + 1 ? 5 : 0 }
    }
    let options = GenerationOptions(maxTokens: 50, endOfSequence: [9])
    for start in 0..<9 as Range<TokenID> {
      for length in 1...9 {
        let generation = try Generation(
          target: target, prompt: [start], options: options,
          drafter: ModelDrafter(model: target), policy: FixedDraftLength(length))
        let decoder = SpeculativeDecoder(target: target)
        while generation.finishReason == nil { _ = try decoder.round(generation) }
        #expect(Array(generation.answer) == Array(start + 1...9))
        #expect(generation.finishReason == .stop)
      }
    }
  }

  @Test func `The limit of tokens is kept to the token, in the middle of a block too`() throws {
    let target = FakeModel(vocabularySize: 20, contextLength: 100, seed: 2)
    for limit in 1...12 {
      let generation = try Generation(
        target: target, prompt: [3], options: GenerationOptions(maxTokens: limit),
        drafter: ModelDrafter(model: target), policy: FixedDraftLength(4))
      let decoder = SpeculativeDecoder(target: target)
      var streamed: [TokenID] = []
      while generation.finishReason == nil {
        streamed += try decoder.round(generation).tokens.map(\.token)
      }
      #expect(generation.answer.count == limit)
      #expect(streamed == Array(generation.answer))
      #expect(generation.finishReason == .length)
      #expect(generation.statistics.emitted == limit)
      // The round that read the prompt, of one token here, counts apart.
      #expect(generation.statistics.decoded == limit - 1)
    }
  }

  @Test func `The end of the context ends the answer, for every draft length`() throws {
    for length in 0...6 {
      let target = FakeModel(vocabularySize: 20, contextLength: 24, seed: 2)
      let draft = FakeModel(vocabularySize: 20, contextLength: 17, seed: 2)
      let found = try answer(
        target: target, prompt: [3, 4], options: GenerationOptions(maxTokens: 500),
        drafter: ModelDrafter(model: draft), policy: FixedDraftLength(length))
      // 24 tokens can be fed; the last forward gives one more.
      #expect(found.count == 24 - 2 + 1)
    }
  }

  @Test func `Bad requests are refused before a model runs`() throws {
    let target = FakeModel(vocabularySize: 5, contextLength: 8, seed: 1)
    func refused(
      _ prompt: [TokenID], _ options: GenerationOptions = GenerationOptions()
    ) -> GenerationError? {
      do {
        _ = try Generation(target: target, prompt: prompt, options: options)
        return nil
      } catch { return error as? GenerationError }
    }
    #expect(refused([]) == .emptyPrompt)
    #expect(refused(Array(repeating: 1, count: 9)) == .promptTooLong(tokens: 9, context: 8))
    #expect(refused([1, 5]) == .tokenOutsideVocabulary(token: 5, vocabularySize: 5))
    #expect(refused([-1]) == .tokenOutsideVocabulary(token: -1, vocabularySize: 5))
    for sampling in [
      SamplingOptions(temperature: -1), SamplingOptions(temperature: .nan),
      SamplingOptions(topK: -1), SamplingOptions(topP: 0), SamplingOptions(minP: 2),
      SamplingOptions(repetitionPenalty: 0), SamplingOptions(presencePenalty: .infinity),
    ] {
      #expect(refused([1], GenerationOptions(sampling: sampling)) != nil)
    }
    #expect(refused([1], GenerationOptions(maxTokens: 0)) != nil)
    #expect(target.forwards == 0 && target.openSequences == 0)
  }

  @Test func `Generations in one batch say what each says alone`() throws {
    let target = FakeModel(vocabularySize: 30, contextLength: 100, seed: 4)
    let draft = FakeModel(vocabularySize: 30, contextLength: 100) { tokens in
      zip(target.logits(after: tokens), 0...).map { $0 + Float($1 % 4) / 3 }
    }
    let policies: [any DraftLengthPolicy] = [
      FixedDraftLength(0), FixedDraftLength(2), ErraticSiblings(most: 3), ErraticSiblings(most: 4),
    ]
    func generation(_ index: Int) throws -> Generation {
      let options = GenerationOptions(
        sampling: SamplingOptions(temperature: index % 2 == 0 ? 0 : 1, seed: 7),
        maxTokens: 10 + index * 5, request: UInt64(index))
      return try Generation(
        target: target, prompt: [TokenID(index), 2], options: options,
        drafter: ModelDrafter(model: draft), policy: policies[index % 4])
    }
    let decoder = SpeculativeDecoder(target: target)
    let together = try (0..<8).map(generation)
    while true {
      let going = together.filter { $0.finishReason == nil }
      if going.isEmpty { break }
      _ = try decoder.round(going)
    }
    for index in 0..<8 {
      let alone = try generation(index)
      while alone.finishReason == nil { _ = try decoder.round(alone) }
      #expect(Array(alone.answer) == Array(together[index].answer))
    }
  }
}
