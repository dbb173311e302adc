import Decoding

/// A Hugging Face `tokenizer.json` as it is written: only the keys that change ids.
///
/// `truncation` and `padding` are left out on purpose: they belong to batches, not to a vocabulary.
struct TokenizerFile: Decodable {
  struct Added: Decodable {
    var id: Int
    var content: String
    var single_word: Bool?
    var lstrip: Bool?
    var rstrip: Bool?
    var normalized: Bool?
    var special: Bool?
  }

  /// A step of the normalizer, the pre-tokenizer, the post-processor or the decoder.
  struct Step: Decodable {
    struct Pattern: Decodable {
      var Regex: String?
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
    // TemplateProcessing.
    var single: [TemplateItem]?
    var special_tokens: [String: TemplateToken]?
  }

  struct TemplateItem: Decodable {
    struct Name: Decodable {
      var id: String
    }

    var SpecialToken: Name?
    var Sequence: Name?
  }

  struct TemplateToken: Decodable {
    var ids: [TokenID]
  }

  struct Model: Decodable {
    var type: String?
    var vocab: [String: Int]
    var merges: Merges
    var dropout: Double?
    var unk_token: String?
    var continuing_subword_prefix: String?
    var end_of_word_suffix: String?
    var byte_fallback: Bool?
    var ignore_merges: Bool?
  }

  /// `["a b", …]` in older files, `[["a", "b"], …]` in newer ones.
  enum Merges: Decodable {
    case lines([String])
    case pairs([[String]])

    init(from decoder: any Decoder) throws {
      do {
        self = .lines(try [String](from: decoder))
      } catch DecodingError.typeMismatch {
        self = .pairs(try [[String]](from: decoder))
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

/// What surrounds the model of a `tokenizer.json`, checked for what we can do.
struct TokenizerPipeline {
  var composes = false
  var preTokenizer: PreTokenizer
  /// Tokens around a single text when special tokens are asked for.
  var prefix: [TokenID] = []
  var suffix: [TokenID] = []

  private let path: String

  init(_ file: TokenizerFile, path: String) throws(ModelError) {
    self.path = path
    preTokenizer = PreTokenizer(passes: [])
    if let normalizer = file.normalizer { try read(normalizer: normalizer, at: "normalizer") }
    guard let step = file.pre_tokenizer else {
      throw unsupported("pre_tokenizer", "null; only byte-level vocabularies are read")
    }
    let steps = step.type == "Sequence" ? step.pretokenizers ?? [] : [step]
    var byteLevel = false
    for (index, part) in steps.enumerated() {
      let place =
        step.type == "Sequence" ? "pre_tokenizer.pretokenizers[\(index)]" : "pre_tokenizer"
      guard !byteLevel else { throw unsupported(place, "a step after ByteLevel") }
      byteLevel = part.type == "ByteLevel"
      if byteLevel, part.add_prefix_space ?? true {
        guard steps.count == 1 else { throw unsupported(place + ".add_prefix_space", "true") }
        preTokenizer.addsPrefixSpace = true
      }
      if let pass = try pass(part, at: place) { preTokenizer.passes.append(pass) }
    }
    guard byteLevel else { throw unsupported("pre_tokenizer", "one without ByteLevel") }
    if let processor = file.post_processor { try read(processor: processor, at: "post_processor") }
    try check(decoder: file.decoder)
  }

  private func unsupported(_ place: String, _ found: String) -> ModelError {
    ModelError(.unsupported, path: path, place: place, problem: "\(found) is not supported")
  }

  private mutating func read(
    normalizer step: TokenizerFile.Step, at place: String
  ) throws(ModelError) {
    switch step.type {
    case "NFC": composes = true
    case "Sequence":
      for (index, part) in (step.normalizers ?? []).enumerated() {
        try read(normalizer: part, at: "\(place).normalizers[\(index)]")
      }
    default: throw unsupported(place + ".type", "\"\(step.type)\"")
    }
  }

  private func pass(
    _ step: TokenizerFile.Step, at place: String
  ) throws(ModelError) -> PreTokenizer.Pass? {
    switch step.type {
    case "ByteLevel": return step.use_regex ?? true ? .pattern(.gpt2) : nil
    case "Digits":
      return .isolate(.digits, limit: step.individual_digits ?? false ? 1 : .max)
    case "Split":
      guard let written = step.pattern?.Regex else {
        throw unsupported(place + ".pattern", "a pattern that is not a Regex")
      }
      let (pass, complete) = try split(written, at: place + ".pattern.Regex")
      // Keeping the matches alone, as converted tiktoken files do, is the same for a pattern that
      // leaves nothing out.
      let keeps = step.behavior == "Isolated" && step.invert ?? false == false
      let keepsMatches = step.behavior == "Removed" && step.invert == true && complete
      guard keeps || keepsMatches else {
        throw unsupported(place + ".behavior", "\"\(step.behavior ?? "null")\"")
      }
      return pass
    default: throw unsupported(place + ".type", "\"\(step.type)\"")
    }
  }

  /// The pass that a regular expression stands for, and whether its matches cover every text.
  private func split(
    _ written: String, at place: String
  ) throws(ModelError) -> (PreTokenizer.Pass, complete: Bool) {
    // Some files have the line ends themselves instead of their escapes.
    let expression = String(
      written.unicodeScalars.flatMap { scalar in
        switch scalar {
        case "\r": Array("\\r".unicodeScalars)
        case "\n": Array("\\n".unicodeScalars)
        default: [scalar]
        }
      }.map(Character.init))
    switch expression {
    case #"\p{N}"#: return (.isolate(.numbers, limit: 1), false)
    case #"\p{N}{1,3}"#: return (.isolate(.numbers, limit: 3), false)
    case #"\p{N}+"#: return (.isolate(.numbers, limit: .max), false)
    case "[一-龥぀-ゟ゠-ヿ]+": return (.isolate(.ideographs, limit: .max), false)
    default:
      guard let pattern = SplitPattern(expression: expression) else {
        throw unsupported(place, "the expression \(written.asJSON)")
      }
      return (.pattern(pattern), pattern.matchesEverything)
    }
  }

  private mutating func read(
    processor step: TokenizerFile.Step, at place: String
  ) throws(ModelError) {
    switch step.type {
    case "ByteLevel": break
    case "Sequence":
      for (index, part) in (step.processors ?? []).enumerated() {
        try read(processor: part, at: "\(place).processors[\(index)]")
      }
    case "TemplateProcessing":
      guard prefix.isEmpty, suffix.isEmpty else { throw unsupported(place, "a second template") }
      var sawSequence = false
      for (index, item) in (step.single ?? []).enumerated() {
        if item.Sequence != nil {
          guard !sawSequence else { throw unsupported(place + ".single", "a repeated sequence") }
          sawSequence = true
          continue
        }
        guard let name = item.SpecialToken?.id, let token = step.special_tokens?[name] else {
          throw ModelError(
            .malformed, path: path, place: "\(place).single[\(index)]",
            problem: "names no entry of special_tokens")
        }
        if sawSequence { suffix += token.ids } else { prefix += token.ids }
      }
      guard sawSequence else { throw unsupported(place + ".single", "one without a sequence") }
    default: throw unsupported(place + ".type", "\"\(step.type)\"")
    }
  }

  private func check(decoder: TokenizerFile.Step?) throws(ModelError) {
    guard let decoder else { throw unsupported("decoder", "null") }
    let steps = decoder.type == "Sequence" ? decoder.decoders ?? [] : [decoder]
    guard steps.map(\.type) == ["ByteLevel"] else {
      throw unsupported("decoder.type", steps.map { "\"\($0.type)\"" }.joined(separator: ", "))
    }
  }
}
