import Support
import Testing
import Transformer

@testable import Decoding
@testable import foretoken

@Suite struct AnswerTextTests {
  private let tokenizer: Tokenizer
  private let end: TokenID

  init() throws {
    let folder = try TemporaryFolder()
    tokenizer = try Tokenizer(
      contentsOf: TinyModel().write("model", in: folder) + "/tokenizer.json")
    end = try #require(tokenizer.id(of: "<|im_end|>"))
  }

  /// A round that accepted `accepted`, rejected `rejected` and added `own`; in the tiny tokenizer a
  /// byte is its own token.
  private func round(
    _ accepted: some Collection<TokenID>, _ own: TokenID?, rejected: String = "",
    keepsSibling: Bool = false
  ) -> SpeculativeDecoder.Round {
    SpeculativeDecoder.Round(
      tokens: accepted.map { EmittedToken(token: $0, isDraft: true) }
        + (own.map { [EmittedToken(token: $0, isDraft: false)] } ?? []),
      rejected: rejected.utf8.map(TokenID.init)[...],
      record: RoundRecord(
        request: 0, position: 0, forwarded: 1, candidates: [],
        accepted: accepted.count - (keepsSibling ? 1 : 0), emitted: 0,
        seconds: RoundSeconds(), keepsSibling: keepsSibling))
  }

  private func tokens(_ text: String) -> [TokenID] { text.utf8.map(TokenID.init) }

  @Test func `Pieces say whose they are, and rejected drafts stand before what replaced them`() {
    var text = AnswerText(tokenizer, ends: [end], stop: [])
    #expect(
      text.append(round(tokens("ab"), 0x63, rejected: "xy")) == [
        Piece(text: "ab", origin: .draft), Piece(text: "xy", origin: .rejected),
        Piece(text: "c", origin: .target),
      ])
    #expect(text.append(round([], 0x64)) == [Piece(text: "d", origin: .target)])
    // The last kept one is a sibling of the first rejected.
    #expect(
      text.append(round(tokens("ef"), 0x67, rejected: "xy", keepsSibling: true)) == [
        Piece(text: "e", origin: .draft), Piece(text: "xy", origin: .rejected),
        Piece(text: "f", origin: .draft), Piece(text: "g", origin: .target),
      ])
    #expect(text.finish() == [])
    #expect(text.text == "abcdefg")
  }

  @Test func `A character belongs to the token that completes it, and is shown whole`() {
    var text = AnswerText(tokenizer, ends: [end], stop: [])
    let euro = tokens("€")
    #expect(text.append(round(euro[..<2], nil)) == [])
    #expect(text.append(round([], euro[2])) == [Piece(text: "€", origin: .target)])
    #expect(text.append(round(euro[..<1], nil)) == [])
    #expect(text.finish() == [Piece(text: "\u{FFFD}", origin: .draft)])
  }

  @Test func `The token that ends an answer has no text`() {
    var text = AnswerText(tokenizer, ends: [end], stop: [])
    #expect(text.append(round(tokens("a") + [end], nil)) == [Piece(text: "a", origin: .draft)])
    #expect(text.tokens == tokens("a") + [end])
  }

  @Test func `The beginning of a stop string waits until it is none`() {
    var text = AnswerText(tokenizer, ends: [end], stop: ["stop"])
    #expect(text.append(round(tokens("s"), 0x74)) == [])
    #expect(
      text.append(round([], 0x72)) == [
        Piece(text: "s", origin: .draft), Piece(text: "tr", origin: .target),
      ])
    #expect(text.append(round(tokens("!st"), 0x6F)) == [Piece(text: "!", origin: .draft)])
    #expect(
      text.finish() == [Piece(text: "st", origin: .draft), Piece(text: "o", origin: .target)])
    #expect(!text.isStopped)
  }

  @Test func `Nothing after a stop string is shown or counted`() {
    var text = AnswerText(tokenizer, ends: [end], stop: ["op", "stop!"])
    #expect(text.append(round(tokens("a stop! b"), 0x63)) == [Piece(text: "a st", origin: .draft)])
    #expect(text.isStopped)
    #expect(text.finish() == [])
    #expect(text.tokens == tokens("a stop"))
  }

  @Test func `Whatever the rounds, the text is that of all tokens up to the stop string`() {
    var generator = SeededGenerator(seed: 7)
    let letters = tokens("ab€") + [0xC3, 0xFF, 256]
    for _ in 0..<2000 {
      let all = (0..<Int.random(in: 0...12, using: &generator)).map { _ in
        letters[Int.random(in: 0..<letters.count, using: &generator)]
      }
      let stop = [["ab"], ["ba", "aa"], ["€"], ["b€a"], []].randomElement(using: &generator) ?? []
      let whole = tokenizer.decode(all, skipSpecialTokens: true)
      var finder = StopStrings(stop)
      finder.read(whole)
      let expected =
        finder.isFound
        ? String(decoding: whole.utf8.prefix(finder.clearCount), as: UTF8.self) : whole

      var text = AnswerText(tokenizer, ends: [end], stop: stop)
      var shown = ""
      var rest = all[...]
      while !rest.isEmpty, !text.isStopped {
        let size = Int.random(in: 1...rest.count, using: &generator)
        for piece in text.append(round(rest.prefix(size - 1), rest[rest.startIndex + size - 1])) {
          shown += piece.text
        }
        rest = rest.dropFirst(size)
      }
      for piece in text.finish() { shown += piece.text }
      guard shown == expected, text.text == expected else {
        Issue.record("\(all) with \(stop): \(shown), expected \(expected)")
        return
      }
    }
  }
}
