import Decoding

/// The vocabulary and the merges of a `tokenizer.json`, as tables to look things up in.
struct TokenizerModel {
  /// No vocabulary is anywhere near this large; more is a damaged file that would fill the memory.
  private static let largestVocabulary = 1 << 24
  /// Every place of a text may be compared with all of an added token.
  private static let longestAdded = 1024
  /// Ids may be left out, but not nearly all.
  private static let gap = 1 << 16

  /// One more than the highest id.
  private(set) var count = 0
  private(set) var bytes: [UInt8] = []
  private(set) var starts: [Int] = [0]
  private(set) var added: [AddedToken] = []
  private(set) var words: WordTable
  private(set) var merges: BytePairMerges
  /// No merge makes a token in which a mark for a space follows another character, so that text can
  /// be cut before marks.
  let keepsMarksFirst: Bool

  /// - Throws: `malformed` for ids out of range, used twice or missing, `unsupported` for models that
  ///   are no BPE.
  init(_ file: TokenizerFile, _ pipeline: TokenizerPipeline, path: String) throws(ModelError) {
    let model = file.model
    func fail(
      _ code: ModelError.Code, _ place: String, _ problem: String
    ) -> ModelError { ModelError(code, path: path, place: place, problem: problem) }

    guard model.type ?? "BPE" == "BPE" else {
      throw fail(
        .unsupported, "model.type", "\"\(model.type ?? "")\" is not supported (known: BPE)")
    }
    for (key, value) in [
      ("continuing_subword_prefix", model.continuing_subword_prefix),
      ("end_of_word_suffix", model.end_of_word_suffix),
    ] where value ?? "" != "" {
      throw fail(.unsupported, "model.\(key)", "\"\(value ?? "")\" is not supported")
    }
    if let dropout = model.dropout, dropout != 0 {
      throw fail(.unsupported, "model.dropout", "\(dropout) is not supported")
    }

    // Who has which id. Vocabulary and added tokens may both name one, and must agree.
    var spellings: [Int: String] = [:]
    for (token, id) in model.vocab {
      guard 0..<Self.largestVocabulary ~= id else {
        throw fail(.malformed, "model.vocab.\(token)", "\(id) is not a possible id")
      }
      guard spellings.updateValue(token, forKey: id) == nil else {
        throw fail(.malformed, "model.vocab.\(token)", "the id \(id) is used twice")
      }
    }
    for (index, token) in (file.added_tokens ?? []).enumerated() where !token.content.isEmpty {
      let place = "added_tokens[\(index)]"
      guard let id = TokenID(exactly: token.id), 0..<Self.largestVocabulary ~= token.id else {
        throw fail(.malformed, place, "\(token.id) is not a possible id")
      }
      guard token.content.utf8.count <= Self.longestAdded else {
        throw fail(.unsupported, place, "a text of \(token.content.utf8.count) bytes")
      }
      if let other = model.vocab[token.content], other != token.id {
        throw fail(.malformed, place, "the id is \(token.id) here and \(other) in the vocabulary")
      }
      added.append(
        AddedToken(
          id: id, content: token.content, singleWord: token.single_word ?? false,
          stripsLeft: token.lstrip ?? false, stripsRight: token.rstrip ?? false,
          normalized: token.normalized ?? !(token.special ?? false),
          special: token.special ?? false))
      spellings[token.id] =
        pipeline.isByteLevel && added[added.count - 1].normalized
        ? pipeline.normalizer.normalized(token.content) : token.content
    }

    // The library decodes added tokens through the byte-level alphabet like all others, and what has
    // a character outside of it as it stands.
    count = (spellings.keys.max() ?? -1) + 1
    guard count <= Self.gap + 4 * spellings.count else {
      throw fail(
        .malformed, "model.vocab", "the highest id is \(count - 1), of \(spellings.count) tokens")
    }
    starts.reserveCapacity(count + 1)
    for id in 0..<count {
      if let spelling = spellings[id] { bytes += pipeline.decoded(spelling) }
      starts.append(bytes.count)
    }

    var alphabetBytes = [TokenID](repeating: -1, count: 256)
    var scalars: [UInt32: TokenID] = [:]
    var spelled: [(bytes: [UInt8], token: TokenID)] = []
    for (token, id) in model.vocab where !token.isEmpty {
      if pipeline.isByteLevel {
        guard let bytes = ByteLevel.bytes(spelledBy: token) else { continue }
        if bytes.count == 1 { alphabetBytes[Int(bytes[0])] = TokenID(id) }
        spelled.append((bytes, TokenID(id)))
      } else {
        if let first = token.unicodeScalars.first, token.unicodeScalars.count == 1 {
          scalars[first.value] = TokenID(id)
        } else if model.byte_fallback ?? false, let byte = ByteFallback.byte(spelledBy: token) {
          alphabetBytes[Int(byte)] = TokenID(id)
        }
        spelled.append((Array(token.utf8), TokenID(id)))
      }
    }
    let needsBytes = pipeline.isByteLevel || model.byte_fallback ?? false
    // An unknown token or a fallback can only be needed for a byte that the vocabulary lacks.
    if needsBytes, let byte = alphabetBytes.firstIndex(of: -1) {
      if pipeline.isByteLevel, let unknown = model.unk_token {
        throw fail(
          .unsupported, "model.unk_token",
          "\"\(unknown)\" is not supported in a vocabulary without byte \(byte)")
      }
      if model.byte_fallback ?? false {
        throw fail(
          .unsupported, "model.byte_fallback",
          "true is not supported in a vocabulary without byte \(byte)")
      }
    }
    let alphabet =
      pipeline.isByteLevel
      ? TokenAlphabet(bytes: alphabetBytes)
      : TokenAlphabet(
        scalars: scalars, bytes: alphabetBytes,
        unknown: model.unk_token.flatMap { model.vocab[$0] }.map { TokenID($0) },
        fusesUnknown: model.fuse_unk ?? false)
    var keepsMarks = true
    let needsMarks = !pipeline.isByteLevel
    let merges = try Self.merges(model, alphabet, path: path) { product in
      keepsMarks = keepsMarks && !(needsMarks && product.hasInnerMark)
    }
    keepsMarksFirst = keepsMarks
    self.merges = merges
    let ignoresMerges = model.ignore_merges ?? false
    let whole = spelled.filter { word in
      if ignoresMerges { return true }
      var tokens: [TokenID] = []
      word.bytes.withUnsafeBytes { _ = merges.append($0, to: &tokens) }
      return tokens == [word.token]
    }
    words = WordTable(capacity: whole.count)
    for (bytes, token) in whole { words.insert(bytes, token: token) }
  }

  private static func merges(
    _ model: TokenizerFile.Model, _ alphabet: TokenAlphabet, path: String,
    product: (String) -> Void
  ) throws(ModelError) -> BytePairMerges {
    let pairs: [(String, String)]
    func malformed(_ index: Int, _ problem: String) -> ModelError {
      ModelError(.malformed, path: path, place: "model.merges[\(index)]", problem: problem)
    }
    switch model.merges {
    case .lines(let lines):
      var split: [(String, String)] = []
      split.reserveCapacity(lines.count)
      for (index, line) in lines.enumerated() where !line.hasPrefix("#version") {
        let halves = line.utf8.split(separator: 0x20, omittingEmptySubsequences: false)
        guard halves.count == 2 else {
          throw malformed(index, "\(line.asJSON) is not two tokens with a space between")
        }
        split.append((String(Substring(halves[0])), String(Substring(halves[1]))))
      }
      pairs = split
    case .pairs(let lists):
      var split: [(String, String)] = []
      split.reserveCapacity(lists.count)
      for (index, list) in lists.enumerated() {
        guard list.count == 2 else { throw malformed(index, "expected two tokens") }
        split.append((list[0], list[1]))
      }
      pairs = split
    }
    var merges = BytePairMerges(alphabet: alphabet, capacity: pairs.count)
    for (index, (left, right)) in pairs.enumerated() {
      func token(_ text: String) throws(ModelError) -> TokenID {
        guard let id = model.vocab[text] else {
          throw malformed(index, "\(text.asJSON) is not in the vocabulary")
        }
        return TokenID(id)
      }
      merges.insert(
        try token(left), try token(right), makes: try token(left + right), place: index)
      product(left + right)
    }
    return merges
  }
}

extension String {
  /// Whether a mark for a space follows another character.
  fileprivate var hasInnerMark: Bool {
    var sawOther = false
    for scalar in unicodeScalars {
      if scalar != "\u{2581}" { sawOther = true } else if sawOther { return true }
    }
    return false
  }
}

/// SentencePiece's tokens for single bytes: `<0x0A>`.
enum ByteFallback {
  static func byte(spelledBy token: String) -> UInt8? {
    let digits = token.utf8
    guard digits.count == 6, token.hasPrefix("<0x"), token.hasSuffix(">") else { return nil }
    return UInt8(token.dropFirst(3).dropLast(), radix: 16)
  }
}

extension TokenizerPipeline {
  /// The bytes that a token adds to a text.
  func decoded(_ spelling: String) -> [UInt8] {
    if isByteLevel { return ByteLevel.bytes(spelledBy: spelling) ?? Array(spelling.utf8) }
    if decodesBytes, let byte = ByteFallback.byte(spelledBy: spelling) { return [byte] }
    let bytes = Array(spelling.utf8)
    return space.map { Normalizer.replacing(Metaspace.mark, by: $0, in: bytes) } ?? bytes
  }
}
