import FoundationEssentials
import Testing
import Transformer

@Suite struct TokenizerErrorTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var key: String
    var value: String
    var code: ModelError.Code
    var place: String

    var testDescription: String { "\(key): \(value)" }
  }

  private static let model = #"{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":[["a","b"]]}"#

  @Test(
    "What is not supported or not sound is refused with the key that says it",
    arguments: [
      Case(
        key: "normalizer", value: #"{"type":"NFKC"}"#, code: .unsupported,
        place: "normalizer.type"),
      Case(
        key: "normalizer", value: #"{"type":"Sequence","normalizers":[{"type":"Lowercase"}]}"#,
        code: .unsupported, place: "normalizer.normalizers[0].type"),
      Case(key: "pre_tokenizer", value: "null", code: .unsupported, place: "pre_tokenizer"),
      Case(
        key: "pre_tokenizer", value: #"{"type":"BertPreTokenizer"}"#, code: .unsupported,
        place: "pre_tokenizer.type"),
      Case(
        key: "pre_tokenizer",
        value: #"""
          {"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"a+"},\#
          "behavior":"Isolated","invert":false},{"type":"ByteLevel","add_prefix_space":false}]}
          """#, code: .unsupported, place: "pre_tokenizer.pretokenizers[0].pattern.Regex"),
      Case(
        key: "pre_tokenizer",
        value: #"""
          {"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"\\p{N}"},\#
          "behavior":"Removed","invert":true},{"type":"ByteLevel","add_prefix_space":false}]}
          """#, code: .unsupported, place: "pre_tokenizer.pretokenizers[0].behavior"),
      Case(
        key: "post_processor", value: #"{"type":"BertProcessing"}"#, code: .unsupported,
        place: "post_processor.type"),
      Case(
        key: "post_processor",
        value: #"""
          {"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"x"}},\#
          {"Sequence":{"id":"A"}}],"special_tokens":{}}
          """#, code: .malformed, place: "post_processor.single[0]"),
      Case(
        key: "post_processor",
        value: #"""
          {"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"x"}},\#
          {"Sequence":{"id":"A"}}],"special_tokens":{"x":{"ids":[99999]}}}
          """#, code: .malformed, place: "post_processor"),
      Case(key: "decoder", value: "null", code: .unsupported, place: "decoder"),
      Case(
        key: "decoder", value: #"{"type":"Metaspace"}"#, code: .unsupported,
        place: "decoder.type"),
      Case(
        key: "added_tokens", value: #"[{"id":-1,"content":"x"}]"#, code: .malformed,
        place: "added_tokens[0]"),
      Case(
        key: "added_tokens", value: #"[{"id":7,"content":"the"}]"#, code: .malformed,
        place: "added_tokens[0]"),
      Case(
        key: "added_tokens", value: #"[{"id":7}]"#, code: .malformed,
        place: "added_tokens.Index 0.content"),
      Case(
        key: "model", value: model.replacing("BPE", with: "Unigram"), code: .unsupported,
        place: "model.type"),
      Case(
        key: "model", value: model.replacing("\"merges\"", with: "\"unk_token\":\"b\",\"merges\""),
        code: .unsupported, place: "model.unk_token"),
      Case(
        key: "model", value: model.replacing("\"merges\"", with: "\"dropout\":0.1,\"merges\""),
        code: .unsupported, place: "model.dropout"),
      Case(
        key: "model", value: #"{"type":"BPE","merges":[]}"#, code: .malformed, place: "model.vocab"),
      Case(
        key: "model", value: #"{"type":"BPE","vocab":{}}"#, code: .malformed,
        place: "model.merges"),
      Case(
        key: "model", value: #"{"type":"WordPiece","vocab":[["a",0.5]]}"#, code: .unsupported,
        place: "model.type"),
      Case(
        key: "model", value: model.replacing(#"{"a":0,"b":1,"ab":2}"#, with: "[]"),
        code: .malformed, place: "model.vocab"),
      Case(key: "model", value: "null", code: .malformed, place: "model"),
      Case(
        key: "model", value: model.replacing("\"ab\":2", with: "\"ab\":1"), code: .malformed,
        place: "model.vocab"),
      Case(
        key: "model", value: model.replacing("\"ab\":2", with: "\"ab\":2000000000"),
        code: .malformed, place: "model.vocab.ab"),
      Case(
        key: "model", value: model.replacing("[\"a\",\"b\"]", with: "[\"b\",\"a\"]"),
        code: .malformed, place: "model.merges[0]"),
      Case(
        key: "model", value: model.replacing("[\"a\",\"b\"]", with: "[\"a\"]"), code: .malformed,
        place: "model.merges[0]"),
      Case(
        key: "model", value: model.replacing("[\"a\",\"b\"]", with: "\"ab\""), code: .malformed,
        place: "model.merges[0]"),
    ])
  func refused(_ example: Case) throws {
    let error = #expect(throws: ModelError.self) {
      try TokenizerFixture.tokenizer(replacing: [example.key: example.value])
    }
    #expect(error?.code == example.code)
    #expect(error?.place?.hasPrefix(example.place) == true, "\(error?.place ?? "none")")
  }

  @Test("A file that is not there or not JSON is said to be so")
  func unreadable() throws {
    let error = #expect(throws: ModelError.self) {
      try Tokenizer(contentsOf: "/nonexistent/tokenizer.json")
    }
    #expect(error?.code == .missing)
    try TokenizerFixture.withTemporaryFolder { folder in
      try Data("{\"model\":".utf8).write(to: URL(filePath: folder + "/tokenizer.json"))
      let error = #expect(throws: ModelError.self) {
        try Tokenizer(contentsOf: folder + "/tokenizer.json")
      }
      #expect(error?.code == .malformed)
    }
  }
}
