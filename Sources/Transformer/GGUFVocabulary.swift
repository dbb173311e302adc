import Decoding

/// The vocabulary of a GGUF file (`tokenizer.ggml.*`) as the `tokenizer.json` that says the same.
///
/// SentencePiece's scores become merges as Hugging Face's converters make them: every way to put a
/// token together from two, the best score first, then the longer left part.
extension TokenizerFile {
  /// What a token is for, in `tokenizer.ggml.token_type`.
  private enum Kind {
    static let unknown = 2
    static let control = 3
    static let userDefined = 4
  }

  private static let mark = "\u{2581}"

  /// - Throws: `malformed` for arrays that are missing or of different lengths, `unsupported` for
  ///   a model or a way to cut words that we do not have.
  init(gguf header: GGUFHeader) throws(ModelError) {
    func fail(_ code: ModelError.Code, _ key: String, _ problem: String) -> ModelError {
      ModelError(code, path: header.path, place: "tokenizer.ggml.\(key)", problem: problem)
    }
    let tokens = try header.texts("tokenizer.ggml.tokens")
    let kinds = try header.integers(optional: "tokenizer.ggml.token_type")
    if let kinds, kinds.count != tokens.count {
      throw fail(.malformed, "token_type", "expected \(tokens.count) types, found \(kinds.count)")
    }
    let vocabulary = TokenSpellings(tokens)
    let added = vocabulary.entries.compactMap { entry -> Added? in
      guard let kind = kinds?[entry.id],
        [Kind.unknown, Kind.control, Kind.userDefined].contains(kind)
      else { return nil }
      return Added(
        id: entry.id, content: tokens[entry.id], normalized: false,
        special: kind != Kind.userDefined)
    }
    let name = try header.text("tokenizer.ggml.model")
    switch name {
    case "llama":
      try self.init(sentencePiece: header, tokens, vocabulary, added)
    case "gpt2":
      try self.init(byteLevel: header, vocabulary, added)
    default:
      throw fail(.unsupported, "model", "\"\(name)\" is not supported (known: gpt2, llama)")
    }
    var prefix: [Int] = []
    var suffix: [Int] = []
    if try header.flag(optional: "tokenizer.ggml.add_bos_token") ?? (name == "llama"),
      let id = try header.integer(optional: "tokenizer.ggml.bos_token_id")
    {
      prefix = [id]
    }
    if try header.flag(optional: "tokenizer.ggml.add_eos_token") ?? false,
      let id = try header.integer(optional: "tokenizer.ggml.eos_token_id")
    {
      suffix = [id]
    }
    for id in prefix + suffix where !tokens.indices.contains(id) {
      throw fail(.malformed, "bos_token_id", "\(id) is not one of \(tokens.count) tokens")
    }
    if !(prefix + suffix).isEmpty {
      var template = Step(type: "TemplateProcessing")
      func item(_ id: Int) -> TemplateItem {
        TemplateItem(SpecialToken: TemplateItem.Name(id: tokens[id], type_id: 0))
      }
      template.single =
        prefix.map(item) + [TemplateItem(Sequence: TemplateItem.Name(id: "A", type_id: 0))]
        + suffix.map(item)
      template.special_tokens = Dictionary(
        (prefix + suffix).map { id in
          (tokens[id], TemplateToken(id: tokens[id], ids: [TokenID(id)], tokens: [tokens[id]]))
        }, uniquingKeysWith: { first, _ in first })
      post_processor = template
    }
  }

  // MARK: SentencePiece

  private init(
    sentencePiece header: GGUFHeader, _ tokens: [String], _ vocabulary: TokenSpellings,
    _ added: [Added]
  ) throws(ModelError) {
    let scores = try header.numbers("tokenizer.ggml.scores")
    guard scores.count == tokens.count else {
      throw ModelError(
        .malformed, path: header.path, place: "tokenizer.ggml.scores",
        problem: "expected \(tokens.count) scores, found \(scores.count)")
    }
    let prefixes = try header.flag(optional: "tokenizer.ggml.add_space_prefix") ?? true
    let unknown = try header.integer(optional: "tokenizer.ggml.unknown_token_id") ?? 0
    let hasBytes = (0..<256).allSatisfy { vocabulary.id(of: Self.byteToken(UInt8($0))) != nil }
    var replace = Step(type: "Replace")
    replace.pattern = Step.Pattern(String: " ")
    replace.content = Self.mark
    var normalizer = Step(type: "Sequence")
    normalizer.normalizers = [replace]
    if prefixes {
      var prepend = Step(type: "Prepend")
      prepend.prepend = Self.mark
      normalizer.normalizers = [prepend, replace]
    }
    replace.pattern = Step.Pattern(String: Self.mark)
    replace.content = " "
    var decoder = Step(type: "Sequence")
    decoder.decoders = [replace, Step(type: "ByteFallback"), Step(type: "Fuse")]
    if prefixes {
      var strip = Step(type: "Strip")
      (strip.content, strip.start, strip.stop) = (" ", 1, 0)
      decoder.decoders?.append(strip)
    }
    self.init(
      added_tokens: added, normalizer: normalizer, decoder: decoder,
      model: Model(
        type: "BPE", unk_token: tokens.indices.contains(unknown) ? tokens[unknown] : nil,
        byte_fallback: hasBytes, fuse_unk: true, vocabulary: vocabulary,
        merges: Self.merges(vocabulary, scores)))
  }

  private static func byteToken(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16, uppercase: true)
    return "<0x\(byte < 16 ? "0" : "")\(digits)>"
  }

  /// A token longer than this is split in no more places: none that merges make is.
  private static let longestMerged = 256

  private static func merges(_ vocabulary: TokenSpellings, _ scores: [Double]) -> MergeList {
    struct Pair {
      /// In the vocabulary's bytes.
      var left: Range<Int>
      var right: Range<Int>
      var ids: (Int, Int)
      /// In characters.
      var lengths: (Int, Int)
      var score: Double
    }
    var pairs: [Pair] = []
    vocabulary.bytes.withUnsafeBytes { bytes in
      for entry in vocabulary.entries {
        let isStart = { (place: Int) in bytes[place] & 0xC0 != 0x80 }
        let length = entry.spelling.count(where: isStart)
        guard length <= longestMerged else { continue }
        var (splits, offset): ([Pair], Int) = ([], 0)
        for middle in entry.spelling.dropFirst() where isStart(middle) {
          offset += 1
          let left = entry.spelling.lowerBound..<middle
          let right = middle..<entry.spelling.upperBound
          guard let first = vocabulary.id(of: UnsafeRawBufferPointer(rebasing: bytes[left])),
            let second = vocabulary.id(of: UnsafeRawBufferPointer(rebasing: bytes[right]))
          else { continue }
          splits.append(
            Pair(
              left: left, right: right, ids: (first, second), lengths: (offset, length - offset),
              score: scores[entry.id]))
        }
        splits.sort { $0.ids < $1.ids }
        pairs += splits
      }
    }
    // Stable: equals stay in the order of the vocabulary.
    let order = pairs.indices.sorted { a, b in
      let (x, y) = (pairs[a], pairs[b])
      if x.score != y.score { return x.score > y.score }
      if x.lengths != y.lengths { return x.lengths > y.lengths }
      return a < b
    }
    var list = MergeList()
    for index in order {
      list.append(vocabulary.bytes[pairs[index].left], vocabulary.bytes[pairs[index].right])
    }
    return list
  }

  // MARK: Byte-level

  /// How llama.cpp's names for ways to cut words (`tokenizer.ggml.pre`) are cut.
  private static let cuts: [String: SplitPattern] = [
    "llama3": .gpt4(digits: 3), "llama-v3": .gpt4(digits: 3), "llama-bpe": .gpt4(digits: 3),
    "smaug-bpe": .gpt4(digits: 3), "dbrx": .gpt4(digits: 3),
    "qwen2": .gpt4(digits: 1), "deepseek-r1-qwen": .gpt4(digits: 1),
    "tekken": .gpt4o(digits: 1, contractions: .none),
    "gpt-4o": .gpt4o(digits: 3, contractions: .anyCase),
    "llama4": .gpt4o(digits: 3, contractions: .anyCase),
  ]

  private init(
    byteLevel header: GGUFHeader, _ vocabulary: TokenSpellings, _ added: [Added]
  ) throws(ModelError) {
    let pre = try header.text(optional: "tokenizer.ggml.pre") ?? "gpt-2"
    var byteLevel = Step(type: "ByteLevel")
    byteLevel.add_prefix_space = false
    byteLevel.use_regex = false
    var cutter: Step
    switch pre {
    case "gpt-2", "phi-2":
      cutter = byteLevel
      cutter.use_regex = true
    case "smollm", "starcoder", "refact", "command-r", "codeshell":
      var digits = Step(type: "Digits")
      digits.individual_digits = true
      byteLevel.use_regex = true
      cutter = Step(type: "Sequence")
      cutter.pretokenizers = [digits, byteLevel]
    default:
      guard let pattern = Self.cuts[pre], let expression = pattern.expression else {
        throw ModelError(
          .unsupported, path: header.path, place: "tokenizer.ggml.pre",
          problem: "\"\(pre)\" is not supported")
      }
      var split = Step(type: "Split")
      split.pattern = Step.Pattern(Regex: expression)
      split.behavior = "Isolated"
      split.invert = false
      cutter = Step(type: "Sequence")
      cutter.pretokenizers = [split, byteLevel]
    }
    var merges = MergeList()
    for (index, line) in try header.texts("tokenizer.ggml.merges").enumerated() {
      guard merges.append(line: Array(line.utf8)) else {
        throw ModelError(
          .malformed, path: header.path, place: "tokenizer.ggml.merges[\(index)]",
          problem: "\(line.asJSON) is not two tokens with a space between")
      }
    }
    self.init(
      added_tokens: added, normalizer: pre == "qwen2" ? Step(type: "NFC") : nil,
      pre_tokenizer: cutter, decoder: Step(type: "ByteLevel"),
      model: Model(
        type: "BPE", ignore_merges: ["llama3", "llama-v3", "llama-bpe", "tekken"].contains(pre),
        vocabulary: vocabulary, merges: merges))
  }
}
