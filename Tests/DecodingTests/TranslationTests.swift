import Decoding
import Support
import Testing

/// Words of bytes; a text is cut into the longest that fit, from its beginning on.
private struct WordVocabulary: Vocabulary {
  let words: [[UInt8]]

  init(_ words: [String]) { self.words = words.map { Array($0.utf8) } }
  init(bytesAnd words: [String]) {
    self.words = (0..<256).map { [UInt8($0)] } + words.map { Array($0.utf8) }
  }

  func token(_ text: ArraySlice<UInt8>) -> TokenID? {
    let fitting = words.indices.filter { !words[$0].isEmpty && text.starts(with: words[$0]) }
    return fitting.max { words[$0].count < words[$1].count }.map { TokenID($0) }
  }

  func tokens(of text: String, isBeginning: Bool) -> [TokenID] {
    var rest = Array(text.utf8)[...]
    var tokens: [TokenID] = []
    while let token = token(rest) {
      tokens.append(token)
      rest = rest.dropFirst(words[Int(token)].count)
    }
    return tokens
  }

  func bytes(of token: TokenID) -> [UInt8] { words[Int(token)] }
}

/// A model that says one text over and over.
private func reciter(_ text: String, _ vocabulary: WordVocabulary) -> FakeModel {
  let period = Array(text.utf8)
  return FakeModel(vocabularySize: vocabulary.words.count, contextLength: 600) { tokens in
    let said = tokens.reduce(0) { $0 + vocabulary.bytes(of: $1).count } % period.count
    let next = vocabulary.token((period[said...] + period[..<said])[...])
    return vocabulary.words.indices.map { $0 == Int(next ?? 0) ? 9 : 0 }
  }
}

/// Drafts whose vocabularies are not the target's.
@Suite struct TranslationTests {
  @Test(
    "A draft that says the same in other tokens is always right", arguments: [1, 2, 4, 7],
    ["the cat sat on the mat. ", "ça va? 👍👍 très bien\n"])
  func agreement(length: Int, text: String) throws {
    let theirs = WordVocabulary(bytesAnd: ["th", "e ", "ca", "t s", "at", " on", "très", "👍"])
    let own = WordVocabulary(bytesAnd: [
      "the ", "cat", " sat on", " on", " the m", " 👍", "va?", "très",
    ])
    let (target, draft) = (reciter(text, theirs), reciter(text, own))
    let options = GenerationOptions(maxTokens: 200)
    let prompt = theirs.tokens(of: String(text.prefix(5)), isBeginning: true)
    let plain = try answer(
      target: target, prompt: prompt, options: options, drafter: nil, policy: FixedDraftLength(0))
    let generation = try Generation(
      target: target, prompt: prompt, options: options,
      drafter: TranslatingDrafter(model: draft, own: own, target: theirs, ends: []),
      policy: FixedDraftLength(length))
    let decoder = SpeculativeDecoder(target: target)
    while generation.finishReason == nil { _ = try decoder.round(generation) }
    #expect(Array(generation.answer) == plain)
    let statistics = generation.statistics
    #expect(statistics.accepted == statistics.proposed)
    // Nothing is proposed only inside a character, of which a token of the target may be a part.
    #expect(statistics.proposed > 150 * length / (length + 1))
  }

  @Test("Translated candidates have the target's law", arguments: [0, 1, 2, 7, 8, 10])
  func law(_ sampling: Int) throws {
    let theirs = WordVocabulary(["a", "b", "ab"])
    let own = WordVocabulary(["b", "a", "ba", "aa", "!"])
    let target = FakeModel(vocabularySize: 3, seed: 5)
    let draft = FakeModel(vocabularySize: 5, seed: 6)
    let options = GenerationOptions(
      sampling: ExactLawTests.samplings[sampling], maxTokens: 4, endOfSequence: [0])
    let prompt: [TokenID] = [1, 2, 1]
    let plain = PlainLaw(target: target, prompt: prompt, options: options)
    for policy in ExactLawTests.policies {
      let law = try Enumeration.law { chance in
        try answer(
          target: target, prompt: prompt, options: options,
          drafter: TranslatingDrafter(model: draft, own: own, target: theirs, ends: [4]),
          policy: policy, chance: chance)
      }
      #expect(totalVariation(law, plain.law) < 1e-10, "\(policy.name)")
    }
    #expect(draft.openSequences == 0 && draft.forwards > 0)
  }

  @Test("A draft that cannot say what the target says proposes nothing, and ends in good time")
  func dumb() throws {
    let theirs = WordVocabulary(["a", "b", "c"])
    let target = reciter("abc", theirs)
    let options = GenerationOptions(maxTokens: 40)
    for (words, ends) in [(["z"], []), (["", "a"], []), (["!"], [0])] as [([String], [TokenID])] {
      let own = WordVocabulary(words)
      let draft = FakeModel(vocabularySize: words.count, contextLength: 30) { _ in
        words.indices.map { -Float($0) }
      }
      let found = try answer(
        target: target, prompt: [0], options: options,
        drafter: TranslatingDrafter(model: draft, own: own, target: theirs, ends: Set(ends)),
        policy: FixedDraftLength(3))
      #expect(found == (0..<40).map { TokenID(($0 + 1) % 3) })
      #expect(draft.forwards <= 40 * 17)
    }
  }

  @Test("A draft with fewer or more tokens than the target drafts those that both have")
  func fitted() throws {
    for size in [20, 40] {
      let target = FakeModel(vocabularySize: 30, contextLength: 100, seed: 4)
      let draft = FakeModel(vocabularySize: size, contextLength: 100) { tokens in
        // Right where it has the token; beyond its own there is something the target cannot say.
        (target.logits(after: tokens) + Array(repeating: 9, count: 20)).prefix(size).map { $0 }
      }
      let fitted = FittedModel(draft, vocabularySize: 30)
      let options = GenerationOptions(maxTokens: 80)
      let plain = try answer(
        target: target, prompt: [1], options: options, drafter: nil, policy: FixedDraftLength(0))
      #expect(plain.contains { $0 >= 20 })
      let generation = try Generation(
        target: target, prompt: [1], options: options, drafter: ModelDrafter(model: fitted),
        policy: FixedDraftLength(3))
      let decoder = SpeculativeDecoder(target: target)
      while generation.finishReason == nil { _ = try decoder.round(generation) }
      #expect(Array(generation.answer) == plain)
      if size > 30 {
        #expect(generation.statistics.accepted == generation.statistics.proposed)
      }
      var output = ForwardOutput(vocabularySize: 30, hiddenSize: 2)
      let sequence = try fitted.openSequence()
      try fitted.forward([Slice(sequence, tokens: [3, 29, 5], rows: 2)], into: &output)
      let logits = draft.logits(after: [3, TokenID(min(size - 1, 29)), 5])
      #expect(output.logits[30..<60].prefix(size).elementsEqual(logits.prefix(30)))
      #expect(output.logits[30..<60].dropFirst(size).allSatisfy { $0 == -.infinity })
      #expect(output.hidden[2..<4].elementsEqual([3, 5]))
      let sibling = Slice.Sibling(place: 1, token: 29)
      try fitted.forward(
        [Slice(sequence, tokens: [3, 4], rows: 1, siblings: [sibling])], into: &output)
      let beside = draft.logits(after: [3, TokenID(min(size - 1, 29))])
      #expect(output.logits[30..<60].prefix(size).elementsEqual(beside.prefix(30)))
      fitted.closeSequence(sequence)
    }
  }
}
