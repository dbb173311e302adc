import Decoding
import Support
import Testing
import Transformer

@Suite struct StreamingDetokenizerTests {
  private static func pieces(
    _ ids: [TokenID], _ tokenizer: Tokenizer, skip: Bool = false
  ) -> [String] {
    var stream = StreamingDetokenizer(tokenizer, skipSpecialTokens: skip)
    var pieces = ids.map { stream.push($0) }
    pieces.append(stream.finish())
    return pieces
  }

  @Test("The pieces together are the whole, for any tokens")
  func concatenation() throws {
    let tokenizer = try TokenizerFixture.tokenizer()
    for ids in try TokenizerFixture.shared.get().sequences {
      for skip in [false, true] {
        let whole = tokenizer.decode(ids, skipSpecialTokens: skip)
        let joined = Self.pieces(ids, tokenizer, skip: skip).joined()
        #expect(joined.unicodeScalars.elementsEqual(whole.unicodeScalars))
      }
    }
  }

  @Test("The pieces together are the whole, for every beginning of a character and what follows it")
  func brokenCharacters() throws {
    let tokenizer = try TokenizerFixture.tokenizer()
    let byteTokens = try Self.byteTokens(tokenizer)
    var generator = SeededGenerator(seed: 3)
    // Bytes at which the rules of UTF-8 change.
    let bytes: [UInt8] = [
      0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xED,
      0xEF,
      0xF0, 0xF1, 0xF4, 0xF5, 0xFF,
    ]
    for _ in 0..<4000 {
      let some = (0..<6).map { _ in bytes.randomElement(using: &generator) ?? 0 }
      let ids = some.map { byteTokens[Int($0)] }
      let joined = Self.pieces(ids, tokenizer).joined()
      let whole = String(decoding: some, as: UTF8.self)
      #expect(joined.unicodeScalars.elementsEqual(whole.unicodeScalars), "\(some)")
    }
  }

  @Test("A character comes with its last byte, and text before it at once")
  func heldBack() throws {
    let tokenizer = try TokenizerFixture.tokenizer()
    let bytes = try Self.byteTokens(tokenizer)
    let ids = Array("a👍b".utf8).map { bytes[Int($0)] }
    #expect(Self.pieces(ids, tokenizer) == ["a", "", "", "", "👍", "b", ""])
    #expect(Self.pieces(Array(ids[..<3]), tokenizer) == ["a", "", "", "\u{FFFD}"])
    // What can no longer become a character is not waited for.
    #expect(Self.pieces([bytes[0xE0], bytes[0x80]], tokenizer) == ["", "\u{FFFD}\u{FFFD}", ""])
  }

  private static func byteTokens(_ tokenizer: Tokenizer) throws -> [TokenID] {
    try (0..<256).map { byte in
      try #require(
        (0..<TokenID(tokenizer.vocabularySize)).first { tokenizer.bytes(of: $0) == [UInt8(byte)] })
    }
  }
}
