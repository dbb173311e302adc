import Decoding

/// The vocabulary and the merges of a `tokenizer.json`, as tables to look things up in.
struct TokenizerModel {
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

    for (key, value) in [
      ("continuing_subword_prefix", model.continuing_subword_prefix),
      ("end_of_word_suffix", model.end_of_word_suffix),
    ] where value ?? "" != "" {
      throw fail(.unsupported, "model.\(key)", "\"\(value ?? "")\" is not supported")
    }
    if let dropout = model.dropout, dropout != 0 {
      throw fail(.unsupported, "model.dropout", "\(dropout) is not supported")
    }

    // Who has which id. The vocabulary and added tokens may both name one, and must agree.
    let vocabulary = model.vocabulary
    var added: [AddedToken] = []
    var addedSpellings: [Int: [UInt8]] = [:]
    for (index, token) in (file.added_tokens ?? []).enumerated() where !token.content.isEmpty {
      let place = "added_tokens[\(index)]"
      guard 0..<TokenSpellings.largest ~= token.id else {
        throw fail(.malformed, place, "\(token.id) is not a possible id")
      }
      guard token.content.utf8.count <= Self.longestAdded else {
        throw fail(.unsupported, place, "a text of \(token.content.utf8.count) bytes")
      }
      if let other = vocabulary.id(of: token.content), other != token.id {
        throw fail(.malformed, place, "the id is \(token.id) here and \(other) in the vocabulary")
      }
      let isNormalized = token.normalized ?? !(token.special ?? false)
      added.append(
        AddedToken(
          id: TokenID(token.id), content: token.content, singleWord: token.single_word ?? false,
          stripsLeft: token.lstrip ?? false, stripsRight: token.rstrip ?? false,
          normalized: isNormalized, special: token.special ?? false))
      let spelling =
        pipeline.isByteLevel && isNormalized
        ? pipeline.normalizer.normalized(token.content) : token.content
      addedSpellings[token.id] = Array(spelling.utf8)
    }
    self.added = added
    let highest = vocabulary.entries.map(\.id).max() ?? -1
    count = max(highest, addedSpellings.keys.max() ?? -1) + 1
    let known = vocabulary.entries.count + addedSpellings.count
    guard count <= Self.gap + 4 * known else {
      throw fail(.malformed, "model.vocab", "the highest id is \(count - 1), of \(known) tokens")
    }
    var owners = [Int32](repeating: -1, count: count)
    for (index, entry) in vocabulary.entries.enumerated() {
      guard owners[entry.id] < 0 else {
        throw fail(
          .malformed, "model.vocab.\(vocabulary.text(of: entry))",
          "the id \(entry.id) is used twice")
      }
      owners[entry.id] = Int32(index)
    }

    // The library decodes added tokens through the byte-level alphabet like all others, and what has
    // a character outside of it as it stands.
    starts.reserveCapacity(count + 1)
    for id in 0..<count {
      if let spelling = addedSpellings[id] {
        pipeline.append(spelling[...], to: &bytes)
      } else if owners[id] >= 0 {
        let entry = vocabulary.entries[Int(owners[id])]
        pipeline.append(vocabulary.bytes[entry.spelling], to: &bytes)
      }
      starts.append(bytes.count)
    }

    var alphabetBytes = [TokenID](repeating: -1, count: 256)
    var scalars: [UInt32: TokenID] = [:]
    // What is a word by itself, perhaps.
    var spelled: [UInt8] = []
    var words: [(bytes: Range<Int>, token: TokenID)] = []
    words.reserveCapacity(vocabulary.entries.count)
    for entry in vocabulary.entries where !entry.spelling.isEmpty {
      let spelling = vocabulary.bytes[entry.spelling]
      let (start, token) = (spelled.count, TokenID(entry.id))
      if pipeline.isByteLevel {
        guard ByteLevel.append(spelledBy: spelling, to: &spelled) else { continue }
        if spelled.count == start + 1 { alphabetBytes[Int(spelled[start])] = token }
      } else {
        spelled.append(contentsOf: spelling)
        if spelling.count <= 4, let scalar = spelling.onlyScalar {
          scalars[scalar.value] = token
        } else if model.byte_fallback ?? false, let byte = ByteFallback.byte(spelledBy: spelling) {
          alphabetBytes[Int(byte)] = token
        }
      }
      words.append((start..<spelled.count, token))
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
        unknown: model.unk_token.flatMap { vocabulary.id(of: $0) }.map { TokenID($0) },
        fusesUnknown: model.fuse_unk ?? false)
    var keepsMarks = true
    let needsMarks = !pipeline.isByteLevel
    let merges = try Self.merges(model, alphabet, path: path) { product in
      keepsMarks = keepsMarks && !(needsMarks && product.hasInnerMark)
    }
    keepsMarksFirst = keepsMarks
    self.merges = merges
    let ignoresMerges = model.ignore_merges ?? false
    var table = WordTable(capacity: words.count)
    var tokens: [TokenID] = []
    spelled.withUnsafeBytes { spelled in
      for (range, token) in words {
        let word = UnsafeRawBufferPointer(rebasing: spelled[range])
        if !ignoresMerges {
          tokens.removeAll(keepingCapacity: true)
          merges.append(word, to: &tokens)
          guard tokens.count == 1, tokens[0] == token else { continue }
        }
        table.insert(word, token: token)
      }
    }
    self.words = table
  }

  private static func merges(
    _ model: TokenizerFile.Model, _ alphabet: TokenAlphabet, path: String,
    product: (UnsafeRawBufferPointer) -> Void
  ) throws(ModelError) -> BytePairMerges {
    let list = model.merges
    var merges = BytePairMerges(alphabet: alphabet, capacity: list.pairs.count)
    try list.bytes.withUnsafeBufferPointer { (bytes) throws(ModelError) in
      let bytes = UnsafeRawBufferPointer(bytes)
      for (index, pair) in list.pairs.enumerated() {
        func token(_ range: Range<Int>) throws(ModelError) -> TokenID {
          guard let id = model.vocabulary.id(of: UnsafeRawBufferPointer(rebasing: bytes[range]))
          else {
            let text = String(decoding: list.bytes[range], as: UTF8.self)
            throw ModelError(
              .malformed, path: path, place: "model.merges[\(index)]",
              problem: "\(text.asJSON) is not in the vocabulary")
          }
          return TokenID(id)
        }
        merges.insert(
          try token(pair.left), try token(pair.right), makes: try token(pair.both), place: index)
        product(UnsafeRawBufferPointer(rebasing: bytes[pair.both]))
      }
    }
    return merges
  }
}

extension UnsafeRawBufferPointer {
  /// Whether a mark for a space follows another character.
  fileprivate var hasInnerMark: Bool {
    var (index, sawOther) = (0, false)
    while index < count {
      guard self[index...].starts(with: Metaspace.mark) else {
        sawOther = true
        index += 1
        continue
      }
      if sawOther { return true }
      index += Metaspace.mark.count
    }
    return false
  }
}

extension ArraySlice<UInt8> {
  /// The scalar that is all of these bytes of UTF-8.
  fileprivate var onlyScalar: Unicode.Scalar? {
    let scalars = String(decoding: self, as: UTF8.self).unicodeScalars
    return scalars.count == 1 ? scalars.first : nil
  }
}

/// SentencePiece's tokens for single bytes: `<0x0A>`.
enum ByteFallback {
  static func byte(spelledBy token: ArraySlice<UInt8>) -> UInt8? {
    guard token.count == 6, token.starts(with: "<0x".utf8), token.last == UInt8(ascii: ">") else {
      return nil
    }
    return UInt8(String(decoding: token.dropFirst(3).dropLast(), as: UTF8.self), radix: 16)
  }
}

extension TokenizerPipeline {
  /// Appends the bytes that a token adds to a text.
  func append(_ spelling: ArraySlice<UInt8>, to bytes: inout [UInt8]) {
    if isByteLevel {
      if !ByteLevel.append(spelledBy: spelling, to: &bytes) { bytes.append(contentsOf: spelling) }
    } else if decodesBytes, let byte = ByteFallback.byte(spelledBy: spelling) {
      bytes.append(byte)
    } else if let space {
      bytes += Normalizer.replacing(Metaspace.mark, by: space, in: Array(spelling))
    } else {
      bytes.append(contentsOf: spelling)
    }
  }
}
