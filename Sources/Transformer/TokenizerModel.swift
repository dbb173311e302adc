import Decoding

/// The vocabulary and the merges of a `tokenizer.json`, as tables to look things up in.
struct TokenizerModel {
  /// No vocabulary is anywhere near this large; more is a damaged file that would fill the memory.
  private static let largestVocabulary = 1 << 24

  /// One more than the highest id.
  private(set) var count = 0
  private(set) var bytes: [UInt8] = []
  private(set) var starts: [Int] = [0]
  private(set) var added: [AddedToken] = []
  private(set) var words: WordTable
  private(set) var merges: BytePairMerges

  /// - Throws: `malformed` for ids out of range, used twice or missing, `unsupported` for models that
  ///   are not a byte-level BPE.
  init(_ file: TokenizerFile, path: String, composes: Bool) throws(ModelError) {
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
        composes && added[added.count - 1].normalized
        ? token.content.normalizedToFormC : token.content
    }

    // The library decodes added tokens through the byte-level alphabet like all others, and what has
    // a character outside of it as it stands.
    count = (spellings.keys.max() ?? -1) + 1
    starts.reserveCapacity(count + 1)
    for id in 0..<count {
      if let spelling = spellings[id] {
        bytes.append(contentsOf: ByteLevel.bytes(spelledBy: spelling) ?? Array(spelling.utf8))
      }
      starts.append(bytes.count)
    }

    var byteTokens = [TokenID](repeating: -1, count: 256)
    var spelled: [(bytes: [UInt8], token: TokenID)] = []
    for (token, id) in model.vocab {
      guard let bytes = ByteLevel.bytes(spelledBy: token), !bytes.isEmpty else { continue }
      if bytes.count == 1 { byteTokens[Int(bytes[0])] = TokenID(id) }
      spelled.append((bytes, TokenID(id)))
    }
    // An unknown token or a fallback can only be needed for a byte that the vocabulary lacks.
    if let byte = byteTokens.firstIndex(of: -1) {
      if let unknown = model.unk_token {
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
    let merges = try Self.merges(model, byteTokens: byteTokens, path: path)
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
    _ model: TokenizerFile.Model, byteTokens: [TokenID], path: String
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
    var merges = BytePairMerges(byteTokens: byteTokens, capacity: pairs.count)
    for (index, (left, right)) in pairs.enumerated() {
      func token(_ text: String) throws(ModelError) -> TokenID {
        guard let id = model.vocab[text] else {
          throw malformed(index, "\(text.asJSON) is not in the vocabulary")
        }
        return TokenID(id)
      }
      merges.insert(
        try token(left), try token(right), makes: try token(left + right), place: index)
    }
    return merges
  }
}
