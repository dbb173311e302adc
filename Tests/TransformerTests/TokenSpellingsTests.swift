import FoundationEssentials
import Support
import Testing

@testable import Transformer

@Suite struct TokenSpellingsTests {
  /// Å as one scalar, as the unit's sign, and as a letter with a ring.
  private static let rings = ["\u{C5}", "\u{212B}", "A\u{30A}"]

  @Test("Spellings that look the same are tokens of their own")
  func lookalikes() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(
      Array(
        #"""
        {"normalizer":{"type":"Replace","pattern":{"String":" "},"content":"▁"},"pre_tokenizer":null,
         "decoder":{"type":"Fuse"},"model":{"unk_token":"<unk>","merges":["A \u030a"],
         "vocab":{"<unk>":0,"▁":1,"\u00c5":2,"\u212b":3,"A":4,"\u030a":5,"A\u030a":6}}}
        """#.utf8), as: "tokenizer.json")
    let tokenizer = try Tokenizer(contentsOf: path)
    let text = Self.rings.joined(separator: " ")
    let ids = tokenizer.encode(text, addSpecialTokens: false)
    #expect(ids == [2, 1, 3, 1, 6])
    #expect(Self.rings.map { tokenizer.id(of: $0) } == [2, 3, 6])
    // As a GGUF file has them, and as a conversion writes them.
    let tokens = TokenSpellings(["<unk>", "▁"] + Self.rings)
    #expect(tokens.entries.count == 5)
    #expect(Self.rings.map { tokens.id(of: $0) } == [2, 3, 4])
    let file = try TokenizerFile(contentsOf: path)
    let again = try Tokenizer(
      contentsOf: folder.write(file.encoded(path: path), as: "again.json"))
    #expect(again.encode(text, addSpecialTokens: false) == ids)
  }

  @Test("A vocabulary is read with its escapes, and of equal keys the last counts")
  func escapes() throws {
    let json = Array(#" { "a\n\"\\\/\u00e9\ud83d\udc4d" : 3 , "b":-0,"b": 7,"":1} "#.utf8)
    let spellings = try json.withUnsafeBytes { bytes in
      var scanner = JSONScanner(bytes, path: "file")
      return try TokenSpellings(&scanner, path: "file")
    }
    #expect(spellings.entries.map(\.id) == [3, 7, 1])
    #expect(spellings.id(of: "a\n\"\\/é👍") == 3)
    #expect(spellings.id(of: "b") == 7 && spellings.id(of: "") == 1)
    #expect(spellings.id(of: "c") == nil)
  }

  @Test(
    "What is no vocabulary is refused",
    arguments: [
      "", "[]", "{", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, #"{"a":1"#, #"{a:1}"#, #"{"a":1.5}"#,
      #"{"a":-1}"#, #"{"a":4194304}"#, #"{"a":99999999999999999999}"#, #"{"a":[1]}"#,
      #"{"a":null}"#,
      #"{"\ud800":1}"#, #"{"\ud800\u0041":1}"#, #"{"\udc00":1}"#, #"{"\u00g0":1}"#, #"{"\x":1}"#,
      "{\"a\u{1}\":1}", #"{"a\"#, #"{"\u00"#,
    ])
  func malformed(text: String) throws {
    let json = Array(text.utf8)
    let error = #expect(throws: ModelError.self) {
      try json.withUnsafeBytes { bytes in
        var scanner = JSONScanner(bytes, path: "file")
        _ = try TokenSpellings(&scanner, path: "file")
      }
    }
    #expect(error?.code == .malformed && error?.place != nil)
  }

  @Test("Merges are lines or pairs, and a version is none")
  func merges() throws {
    let json = Array(##"["#version: 0.2","a b",["c","d e"],["","f"]]"##.utf8)
    let list = try json.withUnsafeBytes { bytes in
      var scanner = JSONScanner(bytes, path: "file")
      return try MergeList(&scanner, path: "file")
    }
    let pairs = list.pairs.map { pair in
      [pair.left, pair.right].map { String(decoding: list.bytes[$0], as: UTF8.self) }
    }
    #expect(pairs == [["a", "b"], ["c", "d e"], ["", "f"]])
    for text in ["{}", "[", "[1]", #"["ab"]"#, #"["a b c"]"#, #"[["a"]]"#, #"[["a","b","c"]]"#] {
      let json = Array(text.utf8)
      #expect(throws: ModelError.self) {
        try json.withUnsafeBytes { bytes in
          var scanner = JSONScanner(bytes, path: "file")
          _ = try MergeList(&scanner, path: "file")
        }
      }
    }
  }
}
