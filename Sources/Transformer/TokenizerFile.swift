import Decoding
import FoundationEssentials

/// A Hugging Face `tokenizer.json` as it is written: only the keys that change ids.
///
/// `truncation` and `padding` are left out on purpose: they belong to batches, not to a vocabulary.
struct TokenizerFile: Codable {
  struct Added: Codable {
    var id: Int
    var content: String
    var single_word: Bool?
    var lstrip: Bool?
    var rstrip: Bool?
    var normalized: Bool?
    var special: Bool?
  }

  /// A step of the normalizer, the pre-tokenizer, the post-processor or the decoder.
  struct Step: Codable {
    struct Pattern: Codable {
      var Regex: String?
      var String: String?
    }

    var type: String
    // Sequences.
    var normalizers: [Step]?
    var pretokenizers: [Step]?
    var processors: [Step]?
    var decoders: [Step]?
    // Split.
    var pattern: Pattern?
    var behavior: String?
    var invert: Bool?
    // ByteLevel.
    var add_prefix_space: Bool?
    var use_regex: Bool?
    // Digits.
    var individual_digits: Bool?
    // Prepend, Replace, Strip, Metaspace.
    var prepend: String?
    var content: String?
    var start: Int?
    var stop: Int?
    var replacement: String?
    var prepend_scheme: String?
    var split: Bool?
    // TemplateProcessing.
    var single: [TemplateItem]?
    var special_tokens: [String: TemplateToken]?
  }

  struct TemplateItem: Codable {
    struct Name: Codable {
      var id: String
      var type_id: Int?
    }

    var SpecialToken: Name?
    var Sequence: Name?
  }

  struct TemplateToken: Codable {
    var id: String?
    var ids: [TokenID]
    var tokens: [String]?
  }

  struct Model: Codable {
    var type: String?
    var dropout: Double?
    var unk_token: String?
    var continuing_subword_prefix: String?
    var end_of_word_suffix: String?
    var byte_fallback: Bool?
    var fuse_unk: Bool?
    var ignore_merges: Bool?
    /// "vocab" and "merges", which are read and written apart from the rest.
    var vocabulary = TokenSpellings()
    var merges = MergeList()

    private enum CodingKeys: CodingKey {
      case type, dropout, unk_token, continuing_subword_prefix, end_of_word_suffix, byte_fallback
      case fuse_unk, ignore_merges
    }
  }

  var added_tokens: [Added]?
  var normalizer: Step?
  var pre_tokenizer: Step?
  var post_processor: Step?
  var decoder: Step?
  var model: Model
}

// MARK: - The file

extension TokenizerFile {
  /// - Throws: `missing` or `inputOutput` when it cannot be read, `malformed` for JSON that makes no
  ///   sense, `unsupported` for models that are no BPE.
  init(contentsOf path: String) throws(ModelError) {
    let data = try JSONFile.bytes(path)
    guard String(validating: data, as: UTF8.self) != nil else {
      throw ModelError(.malformed, path: path, problem: "is not UTF-8")
    }
    var parts = Parts()
    try data.withUnsafeBufferPointer { (data) throws(ModelError) in
      parts = try Parts(UnsafeRawBufferPointer(data), path: path)
    }
    self = try JSONFile.decode(parts.rest, path: path)
    guard model.type ?? "BPE" == "BPE" else {
      throw ModelError(
        .unsupported, path: path, place: "model.type",
        problem: "\"\(model.type ?? "")\" is not supported (known: BPE)")
    }
    func missing(_ key: String) -> ModelError {
      ModelError(.malformed, path: path, place: "model.\(key)", problem: "the key is missing")
    }
    guard let vocabulary = parts.vocabulary else { throw missing("vocab") }
    guard let merges = parts.merges else { throw missing("merges") }
    try data.withUnsafeBufferPointer { (data) throws(ModelError) in
      let bytes = UnsafeRawBufferPointer(data)
      var scanner = JSONScanner(bytes, from: vocabulary, path: path)
      model.vocabulary = try TokenSpellings(&scanner, path: path)
      scanner = JSONScanner(bytes, from: merges, path: path)
      model.merges = try MergeList(&scanner, path: path)
    }
  }

  /// The two large parts of a file, and the rest of it.
  private struct Parts {
    /// JSON without the two.
    var rest = Array("{".utf8)
    /// Where they begin.
    var vocabulary: Int?
    var merges: Int?

    init() {}

    init(_ bytes: UnsafeRawBufferPointer, path: String) throws(ModelError) {
      var scanner = JSONScanner(bytes, path: path)
      var parts = self
      func copy(_ key: Range<Int>) {
        if parts.rest.last != UInt8(ascii: "{") { parts.rest.append(UInt8(ascii: ",")) }
        parts.rest.append(contentsOf: bytes[key])
        parts.rest.append(UInt8(ascii: ":"))
      }
      try scanner.object { (scanner, key) throws(ModelError) in
        copy(key)
        guard bytes[key].elementsEqual("\"model\"".utf8), scanner.peek() == UInt8(ascii: "{") else {
          parts.rest.append(contentsOf: bytes[try scanner.skip()])
          return
        }
        parts.rest.append(UInt8(ascii: "{"))
        try scanner.object { (scanner, key) throws(ModelError) in
          if bytes[key].elementsEqual("\"vocab\"".utf8) {
            parts.vocabulary = try scanner.skip().lowerBound
          } else if bytes[key].elementsEqual("\"merges\"".utf8) {
            parts.merges = try scanner.skip().lowerBound
          } else {
            copy(key)
            parts.rest.append(contentsOf: bytes[try scanner.skip()])
          }
        }
        parts.rest.append(UInt8(ascii: "}"))
      }
      try scanner.finish()
      parts.rest.append(UInt8(ascii: "}"))
      self = parts
    }
  }

  /// All but the model.
  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encodeIfPresent(added_tokens, forKey: .added_tokens)
    try container.encodeIfPresent(normalizer, forKey: .normalizer)
    try container.encodeIfPresent(pre_tokenizer, forKey: .pre_tokenizer)
    try container.encodeIfPresent(post_processor, forKey: .post_processor)
    try container.encodeIfPresent(decoder, forKey: .decoder)
  }

  /// The JSON of the file.
  ///
  /// - Throws: `malformed` for what cannot be written.
  func encoded(path: String) throws(ModelError) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var text: String
    do {
      let rest = String(decoding: try encoder.encode(self), as: UTF8.self)
      let model = String(decoding: try encoder.encode(model), as: UTF8.self)
      text = "\(rest.dropLast()),\n\"model\":\(model.dropLast()),\n\"vocab\":{"
    } catch {
      throw ModelError(.malformed, path: path, place: "tokenizer.json", problem: "\(error)")
    }
    let vocabulary = model.vocabulary
    for (index, entry) in vocabulary.entries.enumerated() {
      text += "\(index == 0 ? "" : ",")\n\(vocabulary.text(of: entry).asJSON):\(entry.id)"
    }
    text += "},\n\"merges\":["
    let merges = model.merges
    for (index, pair) in merges.pairs.enumerated() {
      let left = String(decoding: merges.bytes[pair.left], as: UTF8.self)
      let right = String(decoding: merges.bytes[pair.right], as: UTF8.self)
      text += "\(index == 0 ? "" : ",")\n[\(left.asJSON),\(right.asJSON)]"
    }
    return Array((text + "]}}\n").utf8)
  }
}
