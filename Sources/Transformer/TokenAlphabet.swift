package import Decoding

/// Which tokens the merges of a word begin with.
package struct TokenAlphabet: Sendable {
  /// The token of each byte, -1 for a byte that the vocabulary lacks.
  var bytes: [TokenID]
  /// The tokens of single characters; nil where every byte is a token by itself (byte-level).
  private var scalars: [UInt32: TokenID]?
  /// What stands for a character that has no token where bytes have none either.
  private var unknown: TokenID?
  private var fusesUnknown = false

  /// Every byte is a token, or is dropped, as the `tokenizers` library does.
  package init(bytes: [TokenID]) { self.bytes = bytes }

  /// Every character is a token, or its bytes are, or the unknown token stands for it.
  init(scalars: [UInt32: TokenID], bytes: [TokenID], unknown: TokenID?, fusesUnknown: Bool) {
    self.scalars = scalars
    self.bytes = bytes
    self.unknown = unknown
    self.fusesUnknown = fusesUnknown
  }

  /// Calls `body` with the tokens of `word`; never more than it has bytes.
  @inline(__always) func forEachToken(of word: UnsafeRawBufferPointer, _ body: (TokenID) -> Void) {
    if scalars == nil {
      for byte in word where bytes[Int(byte)] >= 0 { body(bytes[Int(byte)]) }
    } else {
      forEachScalarToken(of: word, body)
    }
  }

  private func forEachScalarToken(of word: UnsafeRawBufferPointer, _ body: (TokenID) -> Void) {
    guard let scalars else { return }
    var index = 0
    var wasUnknown = false
    while index < word.count {
      let lead = word[index]
      let length = min(lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4, word.count - index)
      var value = UInt32(lead)
      if length > 1 {
        value = UInt32(lead) & (0x7F >> UInt32(length))
        for offset in 1..<length { value = value << 6 | UInt32(word[index + offset] & 0x3F) }
      }
      if let token = scalars[value] {
        body(token)
        wasUnknown = false
      } else if bytes[Int(lead)] >= 0 {
        for offset in 0..<length { body(bytes[Int(word[index + offset])]) }
        wasUnknown = false
      } else {
        if let unknown, !(wasUnknown && fusesUnknown) { body(unknown) }
        wasUnknown = true
      }
      index += length
    }
  }
}
