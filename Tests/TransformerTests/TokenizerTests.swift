import Decoding
import Testing
import Transformer

@Suite struct TokenizerTests {
  @Test(
    "Every pipeline gives the ids of the tokenizers library",
    arguments: try TokenizerFixture.shared.get().pipelines)
  func agrees(pipeline: TokenizerFixture.Pipeline) throws {
    let tokenizer = try TokenizerFixture.tokenizer(replacing: pipeline.keys)
    for (index, text) in pipeline.texts.enumerated() {
      let ids = tokenizer.encode(text, addSpecialTokens: true)
      #expect(ids == pipeline.ids[index], "\(text.debugDescription)")
      let plain = tokenizer.encode(text, addSpecialTokens: false, parseSpecial: false)
      #expect(plain == pipeline.plain[index] ?? ids, "\(text.debugDescription)")
    }
  }

  @Test("Decoding puts U+FFFD where the library does")
  func decodes() throws {
    let fixture = try TokenizerFixture.shared.get()
    let tokenizer = try TokenizerFixture.tokenizer()
    for (ids, text) in zip(fixture.sequences, fixture.decoded) {
      #expect(tokenizer.decode(ids, skipSpecialTokens: false) == text)
    }
  }

  @Test("Decoding what was encoded gives the text back")
  func roundTrip() throws {
    let tokenizer = try TokenizerFixture.tokenizer()
    for text in try TokenizerFixture.shared.get().pipelines.flatMap(\.texts) {
      let ids = tokenizer.encode(text, addSpecialTokens: false)
      let back = tokenizer.decode(ids, skipSpecialTokens: false)
      #expect(back.unicodeScalars.elementsEqual(text.unicodeScalars))
    }
  }

  @Test("Special tokens are found in text unless it is to be plain, and left out on demand")
  func special() throws {
    let tokenizer = try TokenizerFixture.tokenizer()
    let end = try #require(tokenizer.id(of: "<|im_end|>"))
    #expect(tokenizer.isSpecial(end))
    #expect(!tokenizer.isSpecial(300))
    #expect(tokenizer.encode("a<|im_end|>", addSpecialTokens: false).last == end)
    let plain = tokenizer.encode("a<|im_end|>", addSpecialTokens: false, parseSpecial: false)
    #expect(!plain.contains(end))
    #expect(tokenizer.decode(plain, skipSpecialTokens: true) == "a<|im_end|>")
    #expect(tokenizer.decode([end, end], skipSpecialTokens: true) == "")
  }

  @Test("A vocabulary is asked for its ids and their bytes; ids outside have none")
  func lookUp() throws {
    let tokenizer = try TokenizerFixture.tokenizer()
    #expect(tokenizer.vocabularySize == 600)
    #expect(tokenizer.id(of: "no such token") == nil)
    #expect(tokenizer.id(of: "") == nil)
    let the = try #require(tokenizer.id(of: " the"))
    #expect(tokenizer.bytes(of: the) == Array(" the".utf8))
    for outside: TokenID in [-1, 600, .max, .min] {
      #expect(tokenizer.bytes(of: outside).isEmpty)
      #expect(!tokenizer.isSpecial(outside))
    }
    #expect(tokenizer.decode([-1, the, 600], skipSpecialTokens: false) == " the")
  }

  @Test("The first id that spells different text is named; added tokens and padding do not count")
  func difference() throws {
    let tokenizer = try TokenizerFixture.tokenizer()
    #expect(tokenizer.firstDifference(from: try TokenizerFixture.tokenizer()) == nil)
    let renamed = #"""
      [{"id":0,"content":"<|endoftext|>","special":true},
       {"id":1,"content":"<|im_start|>","special":true},
       {"id":2,"content":"<|im_end|>","special":true},
       {"id":600,"content":"<extra>","special":true}]
      """#.replacing("\n", with: "")
    let longer = try TokenizerFixture.tokenizer(replacing: ["added_tokens": renamed])
    #expect(tokenizer.firstDifference(from: longer) == nil)
    #expect(longer.firstDifference(from: tokenizer) == nil)
    let other = try TokenizerFixture.tokenizer(
      replacing: ["model": #"{"type":"BPE","vocab":{"a":3,"b":4,"ab":5},"merges":["a b"]}"#])
    let difference = try #require(other.firstDifference(from: tokenizer))
    #expect(difference.token == 3)
    #expect(difference.description == #"token 3 is "a" in the one and "!" in the other"#)
    #expect(tokenizer.firstDifference(from: other)?.second == Array("a".utf8))
  }

  @Test("What continues a text has no mark of a beginning; what begins has one")
  func continuation() throws {
    let pipeline = try #require(
      try TokenizerFixture.shared.get().pipelines.first { $0.keys["post_processor"] != nil })
    let tokenizer = try TokenizerFixture.tokenizer(replacing: pipeline.keys)
    let plain = tokenizer.encode("the", addSpecialTokens: false)
    let marked = tokenizer.tokens(of: "the", isBeginning: true)
    #expect(tokenizer.tokens(of: "the", isBeginning: false) == plain)
    #expect(marked.count > plain.count && marked.suffix(plain.count) == plain[...])
    // A text that has the mark already gets no second one.
    let text = tokenizer.decode(marked, skipSpecialTokens: false)
    #expect(tokenizer.tokens(of: text, isBeginning: true) == marked)
  }

  @Test(
    "A long text of one kind takes time in proportion to its length",
    .timeLimit(.minutes(1)), arguments: try TokenizerFixture.shared.get().pipelines)
  func hostile(pipeline: TokenizerFixture.Pipeline) throws {
    let tokenizer = try TokenizerFixture.tokenizer(replacing: pipeline.keys)
    // A quadratic step would need some 10^10 operations for each of these.
    for unit in ["a", " ", "\n", " \n", "1", ".", "👍", "\u{301}", "Aa", "'s", "<|im_", "\u{7}"] {
      let text = String(repeating: unit, count: (1 << 17) / unit.utf8.count)
      let ids = tokenizer.encode(text, addSpecialTokens: false)
      #expect(!ids.isEmpty)
    }
  }
}

extension TokenizerTests {
  @Test(
    "Form C is that of the library's Unicode",
    arguments: [
      ("e\u{301}", "\u{E9}"), ("\u{301}\u{5A3}", "\u{5A3}\u{301}"),
      // A mark of Unicode 11, which the library takes for a letter; Tibetan vowels are two marks.
      ("\u{10F48}\u{5A3}", "\u{10F48}\u{5A3}"), ("\u{301}\u{F73}", "\u{F71}\u{F72}\u{301}"),
    ])
  func formC(text: String, composed: String) throws {
    let normalizing = try TokenizerFixture.tokenizer(
      replacing: ["normalizer": #"{"type":"NFC"}"#])
    let plain = try TokenizerFixture.tokenizer(replacing: ["normalizer": "null"])
    #expect(
      normalizing.encode(text, addSpecialTokens: false)
        == plain.encode(composed, addSpecialTokens: false))
  }
}
