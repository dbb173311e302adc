package import Decoding

/// Turns tokens into text as they come.
///
/// A token may end inside a character; what cannot be told yet is held back. The pieces, and what
/// `finish` gives at last, put together are the text that `Tokenizer.decode` gives for all tokens.
package struct StreamingDetokenizer: Sendable {
  private let tokenizer: Tokenizer
  private let skipSpecialTokens: Bool
  /// The beginning of a character: at most three bytes between calls.
  private var pending: [UInt8] = []
  /// Spaces that may still have to go from the beginning of the text.
  private var strippable: Int

  package init(_ tokenizer: Tokenizer, skipSpecialTokens: Bool) {
    self.tokenizer = tokenizer
    self.skipSpecialTokens = skipSpecialTokens
    strippable = tokenizer.strippedSpaces
  }

  /// The text that is certain now that `token` is known; often none, for a part of a character.
  package mutating func push(_ token: TokenID) -> String {
    guard !(skipSpecialTokens && tokenizer.isSpecial(token)) else { return "" }
    var bytes = tokenizer.bytes(of: token)[...]
    while strippable > 0, let first = bytes.first {
      strippable = first == 0x20 ? strippable - 1 : 0
      if first == 0x20 { bytes.removeFirst() }
    }
    pending.append(contentsOf: bytes)
    let certain = pending.count - Self.unfinished(pending)
    defer { pending.removeFirst(certain) }
    return String(decoding: pending[..<certain], as: UTF8.self)
  }

  /// What was held back, U+FFFD for a character that never came to its end. The next `push` begins a
  /// new text.
  package mutating func finish() -> String {
    defer {
      pending.removeAll(keepingCapacity: true)
      strippable = tokenizer.strippedSpaces
    }
    return String(decoding: pending, as: UTF8.self)
  }

  /// How many bytes at the end are the beginning of a character that more bytes could complete.
  private static func unfinished(_ bytes: [UInt8]) -> Int {
    for length in 1...3 where length <= bytes.count {
      let lead = bytes[bytes.count - length]
      if lead & 0xC0 == 0x80 { continue }
      let needed =
        switch lead {
        case 0xC2...0xDF: 2
        case 0xE0...0xEF: 3
        case 0xF0...0xF4: 4
        default: 1
        }
      guard length < needed else { return 0 }
      guard length > 1 else { return length }
      // The second byte excludes overlong forms, surrogates and what lies beyond U+10FFFF: after it
      // the lead byte is known to be wrong, and nothing is waited for.
      let second = bytes[bytes.count - length + 1]
      let valid: ClosedRange<UInt8> =
        switch lead {
        case 0xE0: 0xA0...0xBF
        case 0xED: 0x80...0x9F
        case 0xF0: 0x90...0xBF
        case 0xF4: 0x80...0x8F
        default: 0x80...0xBF
        }
      return valid ~= second ? length : 0
    }
    return 0
  }
}
