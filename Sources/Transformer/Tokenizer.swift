package import Decoding

/// Turns text into tokens and back: byte-level BPE, or SentencePiece's BPE with marks for spaces and
/// a fallback to bytes, as a Hugging Face `tokenizer.json` or a GGUF file describes it.
///
/// Ids are those of the `tokenizers` library, to the last one, and so are texts of whole characters.
package final class Tokenizer: Sendable {
  /// One more than the highest id.
  package let vocabularySize: Int

  /// The bytes of all tokens, id after id, and where each begins (and the last ends).
  private let tokenBytes: [UInt8]
  private let tokenStarts: [Int]
  private let addedTokens: [TokenID: AddedToken]
  private let words: WordTable
  private let merges: BytePairMerges
  private let preTokenizer: PreTokenizer
  private let normalizer: Normalizer
  /// Spaces that a text loses at its beginning when it is decoded.
  let strippedSpaces: Int
  /// Found in the text as it comes, and in the normalized text between those.
  private let literalTokens: AddedTokenMatcher
  private let normalizedTokens: AddedTokenMatcher
  /// Tokens around a text that is one by itself.
  let prefix: [TokenID]
  private let suffix: [TokenID]

  /// Reads a `tokenizer.json`.
  ///
  /// - Throws: `missing` or `inputOutput` when it cannot be read, `malformed` for JSON or ids that
  ///   make no sense, `unsupported`, naming the key, for a step of its pipeline that we do not run.
  package convenience init(contentsOf path: String) throws(ModelError) {
    try self.init(TokenizerFile(contentsOf: path), path: path)
  }

  /// Reads the vocabulary of a GGUF file.
  ///
  /// - Throws: `malformed` and `unsupported`, naming the key.
  package convenience init(gguf header: GGUFHeader) throws(ModelError) {
    try self.init(TokenizerFile(gguf: header), path: header.path)
  }

  /// - Parameter path: where the description is from, for errors.
  init(_ file: TokenizerFile, path: String) throws(ModelError) {
    let pipeline = try TokenizerPipeline(file, path: path)
    let model = try TokenizerModel(file, pipeline, path: path)
    for token in pipeline.prefix + pipeline.suffix where !(0..<model.count ~= Int(token)) {
      throw ModelError(
        .malformed, path: path, place: "post_processor",
        problem: "token \(token) is not in the vocabulary of \(model.count)")
    }
    vocabularySize = model.count
    tokenBytes = model.bytes
    tokenStarts = model.starts
    addedTokens = Dictionary(model.added.map { ($0.id, $0) }) { first, _ in first }
    words = model.words
    merges = model.merges
    var preTokenizer = pipeline.preTokenizer
    // Cutting at marks changes nothing then, and most words become table look-ups.
    if !pipeline.isByteLevel, preTokenizer.passes.isEmpty, model.keepsMarksFirst {
      preTokenizer.passes = [.marks(every: false)]
    }
    self.preTokenizer = preTokenizer
    normalizer = pipeline.normalizer
    strippedSpaces = pipeline.strippedSpaces
    literalTokens = AddedTokenMatcher(model.added.filter { !$0.normalized })
    normalizedTokens = AddedTokenMatcher(model.added.filter(\.normalized)) { token in
      pipeline.normalizer.normalized(token.content)
    }
    prefix = pipeline.prefix
    suffix = pipeline.suffix
  }

  // MARK: Text to tokens

  /// The tokens of `text`.
  ///
  /// - Parameters:
  ///   - addSpecialTokens: puts around it what the post-processor has for a single text.
  ///   - parseSpecial: whether the text of a special token becomes that token. False for whatever a
  ///     user wrote: then special tokens are ordinary text.
  package func encode(
    _ text: String, addSpecialTokens: Bool, parseSpecial: Bool = true
  ) -> [TokenID] {
    let tokens = encode(text, plain: parseSpecial ? [] : [0..<text.utf8.count])
    return addSpecialTokens ? prefix + tokens + suffix : tokens
  }

  /// The tokens of `text`, in which special tokens are not recognised where they touch one of the
  /// byte ranges `plain` (ascending, none empty).
  func encode(_ text: String, plain: [Range<Int>]) -> [TokenID] {
    var tokens: [TokenID] = []
    var text = text
    text.withUTF8 { bytes in
      tokens.reserveCapacity(bytes.count / 3)
      literalTokens.forEachSegment(in: bytes, plain: plain) { segment in
        switch segment {
        case .token(let token): tokens.append(token)
        case .text(let range):
          let isPlain = plain.contains { $0.overlaps(range) }
          let isFirst = range.lowerBound == 0
          let source = UnsafeBufferPointer(rebasing: bytes[range])
          if normalizer.steps.isEmpty {
            appendNormalized(source, isPlain: isPlain, isFirst: isFirst, to: &tokens)
          } else {
            normalizer.normalized(source).withUnsafeBufferPointer {
              appendNormalized($0, isPlain: isPlain, isFirst: isFirst, to: &tokens)
            }
          }
        }
      }
    }
    return tokens
  }

  private func appendNormalized(
    _ bytes: UnsafeBufferPointer<UInt8>, isPlain: Bool, isFirst: Bool, to tokens: inout [TokenID]
  ) {
    let plain = isPlain && !bytes.isEmpty ? [0..<bytes.count] : []
    normalizedTokens.forEachSegment(in: bytes, plain: plain) { segment in
      switch segment {
      case .token(let token): tokens.append(token)
      case .text(let range):
        if let metaspace = preTokenizer.metaspace {
          let marked = metaspace.marked(bytes[range], isFirst: isFirst && range.lowerBound == 0)
          marked.withUnsafeBufferPointer { appendWords(of: $0, 0..<marked.count, to: &tokens) }
        } else if preTokenizer.addsPrefixSpace, bytes[range.lowerBound] != 0x20 {
          let spaced = [0x20] + bytes[range]
          spaced.withUnsafeBufferPointer { appendWords(of: $0, 0..<spaced.count, to: &tokens) }
        } else {
          appendWords(of: bytes, range, to: &tokens)
        }
      }
    }
  }

  private func appendWords(
    of bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, to tokens: inout [TokenID]
  ) {
    preTokenizer.forEachWord(in: bytes, range) { word in
      let word = UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: bytes[word]))
      if let token = words.token(of: word) {
        tokens.append(token)
      } else {
        merges.append(word, to: &tokens)
      }
    }
  }

  // MARK: Tokens to text

  /// The text of `tokens`. Ids outside the vocabulary are left out; what is not UTF-8 becomes U+FFFD,
  /// one for each maximal piece of a character.
  package func decode(_ tokens: some Sequence<TokenID>, skipSpecialTokens: Bool) -> String {
    var bytes: [UInt8] = []
    for token in tokens where !(skipSpecialTokens && isSpecial(token)) {
      bytes.append(contentsOf: tokenBytes[range(of: token)])
    }
    let stripped = bytes.prefix(strippedSpaces).prefix { $0 == 0x20 }.count
    return String(decoding: bytes[stripped...], as: UTF8.self)
  }

  /// The bytes that the token adds to a text: perhaps a part of a character, none for an id that the
  /// vocabulary lacks.
  package func bytes(of token: TokenID) -> [UInt8] {
    Array(tokenBytes[range(of: token)])
  }

  private func range(of token: TokenID) -> Range<Int> {
    guard 0..<vocabularySize ~= Int(token) else { return 0..<0 }
    return tokenStarts[Int(token)]..<tokenStarts[Int(token) + 1]
  }

  /// Whether the token speaks to the model and not to a person.
  package func isSpecial(_ token: TokenID) -> Bool {
    addedTokens[token]?.special ?? false
  }

  /// Whether the token was added to what the model of the tokenizer makes.
  func isAdded(_ token: TokenID) -> Bool { addedTokens[token] != nil }

  /// The token that stands for exactly this text, an added one before an ordinary one.
  package func id(of text: String) -> TokenID? {
    let bytes = Array(text.utf8)
    if let added = addedTokens.values.first(where: { $0.content.utf8.elementsEqual(bytes) }) {
      return added.id
    }
    return (0..<TokenID(vocabularySize)).first { token in
      !bytes.isEmpty && tokenBytes[range(of: token)].elementsEqual(bytes)
    }
  }
}
