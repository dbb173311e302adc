/// What must be known of a vocabulary to say in it what was said in another.
package protocol Vocabulary: Sendable {
  /// The tokens of a text, or of what follows another; a text that begins may get marks of that.
  func tokens(of text: String, isBeginning: Bool) -> [TokenID]
  /// The bytes that a token adds to a text, perhaps a part of a character.
  func bytes(of token: TokenID) -> [UInt8]
}

/// Tokens and where in their text each ends.
struct Spelling {
  private(set) var tokens: [TokenID] = []
  private(set) var bytes: [UInt8] = []
  private var ends: [Int] = []

  mutating func append(_ token: TokenID, _ spelled: some Sequence<UInt8>) {
    tokens.append(token)
    bytes.append(contentsOf: spelled)
    ends.append(bytes.count)
  }

  mutating func cut(to count: Int) {
    tokens.removeLast(tokens.count - count)
    ends.removeLast(ends.count - count)
    bytes.removeLast(bytes.count - (ends.last ?? 0))
  }

  /// Becomes the spelling of other tokens, which mostly begin as these do.
  mutating func become(_ others: [TokenID], in vocabulary: any Vocabulary) {
    cut(to: tokens.sharedCount(with: others))
    for token in others[tokens.count...] { append(token, vocabulary.bytes(of: token)) }
  }

  /// Where the token at `index` begins, or would.
  func start(of index: Int) -> Int { index > 0 ? ends[index - 1] : 0 }

  /// How many tokens end within the first `length` bytes.
  func count(within length: Int) -> Int {
    (ends.lastIndex { $0 <= length } ?? -1) + 1
  }
}

extension Collection where Element: Equatable {
  /// How many of the first elements are the other's too.
  func sharedCount(with other: some Collection<Element>) -> Int {
    zip(self, other).prefix { $0 == $1 }.count
  }
}
