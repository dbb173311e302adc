package import Decoding

/// A token on which two vocabularies disagree.
package struct TokenDifference: Equatable, Sendable, CustomStringConvertible {
  package let token: TokenID
  /// Its bytes in the one and in the other; none where it does not exist.
  package let first: [UInt8]
  package let second: [UInt8]

  package var description: String {
    func text(_ bytes: [UInt8]) -> String {
      bytes.isEmpty ? "nothing" : String(decoding: bytes, as: UTF8.self).asJSON
    }
    return "token \(token) is \(text(first)) in the one and \(text(second)) in the other"
  }
}

extension Tokenizer {
  /// The first id with which the two vocabularies spell different text, if any: a draft's ids mean
  /// to the target what they mean to the draft when there is none.
  ///
  /// Added tokens do not count, nor does padding: families name their control tokens anew from
  /// version to version, and a draft that misreads one only guesses worse.
  package func firstDifference(from other: Tokenizer) -> TokenDifference? {
    for token in 0..<TokenID(max(vocabularySize, other.vocabularySize)) {
      let (ours, theirs) = (bytes(of: token), other.bytes(of: token))
      let isText = !ours.isEmpty && !isAdded(token) || !theirs.isEmpty && !other.isAdded(token)
      if isText, ours != theirs {
        return TokenDifference(token: token, first: ours, second: theirs)
      }
    }
    return nil
  }
}

extension Tokenizer: Vocabulary {
  package func tokens(of text: String, isBeginning: Bool) -> [TokenID] {
    let tokens = encode(text, addSpecialTokens: false)
    // A chat format may have written the mark of the beginning already.
    return isBeginning && !tokens.starts(with: prefix) ? prefix + tokens : tokens
  }
}
