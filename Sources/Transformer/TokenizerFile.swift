import Decoding

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
    var vocab: [String: Int]
    var merges: Merges
    var dropout: Double?
    var unk_token: String?
    var continuing_subword_prefix: String?
    var end_of_word_suffix: String?
    var byte_fallback: Bool?
    var fuse_unk: Bool?
    var ignore_merges: Bool?
  }

  /// `["a b", …]` in older files, `[["a", "b"], …]` in newer ones.
  enum Merges: Codable {
    case lines([String])
    case pairs([[String]])

    init(from decoder: any Decoder) throws {
      do {
        self = .lines(try [String](from: decoder))
      } catch DecodingError.typeMismatch {
        self = .pairs(try [[String]](from: decoder))
      }
    }

    func encode(to encoder: any Encoder) throws {
      switch self {
      case .lines(let lines): try lines.encode(to: encoder)
      case .pairs(let pairs): try pairs.encode(to: encoder)
      }
    }
  }

  var added_tokens: [Added]?
  var normalizer: Step?
  var pre_tokenizer: Step?
  var post_processor: Step?
  var decoder: Step?
  var model: Model
}
