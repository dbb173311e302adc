import Decoding

/// A token that is found in the text before anything else is done with it.
struct AddedToken: Equatable, Sendable {
  var id: TokenID
  var content: String
  /// Only where no letter, digit or underscore touches it.
  var singleWord = false
  /// Takes the white space before it.
  var stripsLeft = false
  /// Takes the white space after it.
  var stripsRight = false
  /// Is looked for in the normalized text.
  var normalized = false
  /// Speaks to the model and not to a person.
  var special = false
}

/// Finds added tokens in a text: the leftmost, and of several there the longest.
struct AddedTokenMatcher: Sendable {
  enum Segment {
    case token(TokenID)
    case text(Range<Int>)
  }

  /// A tree of the contents' bytes, children as linked lists; node 0 is the root.
  private struct Node {
    var byte: UInt8 = 0
    var child: Int32 = 0
    var sibling: Int32 = 0
    /// Index of the token whose content ends here, or -1.
    var token: Int32 = -1
  }

  private var nodes = [Node()]
  /// The root's children by byte; 0 where there is none.
  private var first = [Int32](repeating: 0, count: 256)
  private let tokens: [AddedToken]

  var isEmpty: Bool { tokens.isEmpty }

  /// - Parameter content: the text that is looked for, the normalized one for normalized tokens.
  init(_ tokens: [AddedToken], content: (AddedToken) -> String = \.content) {
    self.tokens = tokens
    for (index, token) in tokens.enumerated() {
      var node: Int32 = 0
      for byte in content(token).utf8 { node = child(of: node, byte) ?? addChild(to: node, byte) }
      if node > 0 { nodes[Int(node)].token = Int32(index) }
    }
  }

  private func child(of node: Int32, _ byte: UInt8) -> Int32? {
    var child = node == 0 ? first[Int(byte)] : nodes[Int(node)].child
    while child != 0, nodes[Int(child)].byte != byte { child = nodes[Int(child)].sibling }
    return child == 0 ? nil : child
  }

  private mutating func addChild(to node: Int32, _ byte: UInt8) -> Int32 {
    let new = Int32(nodes.count)
    nodes.append(Node(byte: byte))
    if node == 0 {
      first[Int(byte)] = new
    } else {
      nodes[Int(new)].sibling = nodes[Int(node)].child
      nodes[Int(node)].child = new
    }
    return new
  }

  /// Calls `body` with the tokens and the texts between them, in order.
  ///
  /// - Parameter plain: where special tokens are ordinary text, in ascending order; a special token
  ///   that touches one of the ranges is not found.
  func forEachSegment(
    in bytes: UnsafeBufferPointer<UInt8>, plain: [Range<Int>], _ body: (Segment) -> Void
  ) {
    guard !isEmpty else {
      if !bytes.isEmpty { body(.text(0..<bytes.count)) }
      return
    }
    var plain = plain[...]
    var index = 0
    var done = 0
    while index < bytes.count {
      guard first[Int(bytes[index])] != 0 else {
        index += 1
        continue
      }
      while let range = plain.first, range.upperBound <= index { plain.removeFirst() }
      let specialEnd = plain.first.map { max($0.lowerBound, index) } ?? bytes.count
      guard let (token, end) = longest(in: bytes, at: index, specialEnd: specialEnd) else {
        index += 1
        continue
      }
      var (start, stop) = (index, end)
      index = end
      if token.singleWord, bytes.touchesWord(start..<stop) { continue }
      if token.stripsLeft { start = max(bytes.spaceBefore(start), done) }
      if token.stripsRight { stop = bytes.spaceAfter(stop) }
      if done < start { body(.text(done..<start)) }
      body(.token(token.id))
      done = stop
    }
    if done < bytes.count { body(.text(done..<bytes.count)) }
  }

  /// The longest token at `index`; a special one must end by `specialEnd`.
  private func longest(
    in bytes: UnsafeBufferPointer<UInt8>, at index: Int, specialEnd: Int
  ) -> (AddedToken, end: Int)? {
    var found: (AddedToken, end: Int)?
    var (node, end): (Int32, Int) = (0, index)
    while end < bytes.count, let next = child(of: node, bytes[end]) {
      node = next
      end += 1
      let token = nodes[Int(node)].token
      if token >= 0, !tokens[Int(token)].special || end <= specialEnd {
        found = (tokens[Int(token)], end)
      }
    }
    return found
  }
}

extension UnsafeBufferPointer<UInt8> {
  private func scalar(endingAt end: Int) -> Unicode.Scalar? {
    var start = end
    while start > 0 {
      start -= 1
      if self[start] & 0xC0 != 0x80 { return scalar(startingAt: start) }
    }
    return nil
  }

  private func scalar(startingAt start: Int) -> Unicode.Scalar? {
    String(decoding: self[start..<Swift.min(start + 4, count)], as: UTF8.self)
      .unicodeScalars.first
  }

  /// Where the white space that ends at `end` begins.
  fileprivate func spaceBefore(_ end: Int) -> Int {
    var start = end
    while let scalar = scalar(endingAt: start), scalar.properties.isWhitespace {
      start -= scalar.utf8.count
    }
    return start
  }

  /// Where the white space that begins at `start` ends.
  fileprivate func spaceAfter(_ start: Int) -> Int {
    var end = start
    while let scalar = scalar(startingAt: end), scalar.properties.isWhitespace {
      end += scalar.utf8.count
    }
    return end
  }

  /// Whether a word character stands right before or right after `range`.
  fileprivate func touchesWord(_ range: Range<Int>) -> Bool {
    let neighbours = [scalar(endingAt: range.lowerBound), scalar(startingAt: range.upperBound)]
    return neighbours.contains { $0?.isWord ?? false }
  }
}

extension Unicode.Scalar {
  /// `\w` (UTS 18, annex C), as the library's expressions have it, whose Unicode is version 16.
  fileprivate var isWord: Bool {
    guard let age = properties.age, age.major <= 16 else { return false }
    if properties.isAlphabetic || properties.isJoinControl { return true }
    switch properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation:
      return true
    default: return false
    }
  }
}
