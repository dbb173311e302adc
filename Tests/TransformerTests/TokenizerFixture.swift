import Decoding
import FoundationEssentials
import Support
import Testing
import Transformer

/// The tokenizer and the reference values made by Tools/reference/tokenizer_fixture.py.
struct TokenizerFixture: Decodable {
  struct Pipeline: Decodable, CustomTestStringConvertible {
    var name: String
    /// The keys of tokenizer.json that differ from the fixture's, as JSON.
    var keys: [String: String]
    var texts: [String]
    var ids: [[TokenID]]
    /// With special tokens as ordinary text, where that makes a difference.
    var plain: [[TokenID]?]
    /// The texts again, from the ids, without special tokens.
    var decoded: [String]?

    var testDescription: String { name }
  }

  struct Conversation: Decodable {
    var family: String
    var template: String
    var messages: [ChatMessage]
    /// Null where the template refuses.
    var text: String?
  }

  var pipelines: [Pipeline]
  var sequences: [[TokenID]]
  var decoded: [String]
  var conversations: [Conversation]

  static let path = Fixture.path("tokenizer/tokenizer.json")

  static let shared = Result {
    try JSONDecoder().decode(
      TokenizerFixture.self,
      from: Data(contentsOf: URL(filePath: Fixture.path("tokenizer/reference.json"))))
  }

  static func tokenizer() throws(ModelError) -> Tokenizer { try Tokenizer(contentsOf: path) }

  /// The fixture's tokenizer with some top-level keys replaced.
  static func tokenizer(
    replacing keys: [String: String], in path: String = path
  ) throws -> Tokenizer {
    // One key a line, as the script writes it.
    let text = try String(decoding: Data(contentsOf: URL(filePath: path)), as: UTF8.self)
    let lines = text.split(separator: "\n").map { line in
      let changed = keys.first { line.hasPrefix("\"\($0.key)\":") }
      guard let changed else { return String(line) }
      return "\"\(changed.key)\":\(changed.value)" + (line.hasSuffix(",") ? "," : "")
    }
    return try withTemporaryFolder { folder in
      let file = folder + "/tokenizer.json"
      try Data(lines.joined(separator: "\n").utf8).write(to: URL(filePath: file))
      return try Tokenizer(contentsOf: file)
    }
  }

  static func withTemporaryFolder<Value>(_ body: (String) throws -> Value) throws -> Value {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder.path)
  }
}
