/// Finds the first of several strings in text that comes in parts, and tells how much of the text
/// can be shown meanwhile: all but what may be the beginning of one of them.
///
/// The first is the one that ends first; of two that end together it is the longer. So the result
/// does not depend on how the text was cut into parts, and tokens that come one by one or a round at
/// a time end an answer at the same place. Strings are compared as bytes of UTF-8.
package struct StopStrings: Sendable {
  private var matchers: [Matcher]
  private var count = 0
  /// Whether one of the strings is complete; what comes after it is not read.
  package private(set) var isFound = false
  /// Bytes of the text so far that are no part of a string, and cannot become one. Always the end
  /// of a character.
  package private(set) var clearCount = 0

  /// - Parameter strings: none of them empty; an empty one is ignored.
  package init(_ strings: [String]) {
    matchers = strings.filter { !$0.isEmpty }.map { Matcher(Array($0.utf8)) }
  }

  /// Reads the next part of the text.
  package mutating func read(_ text: String) {
    for byte in text.utf8 where !isFound {
      count += 1
      for index in matchers.indices {
        matchers[index].read(byte)
        isFound = isFound || matchers[index].isComplete
      }
    }
    let claims = isFound ? matchers.filter(\.isComplete) : matchers
    clearCount = count - (claims.map(\.matched).max() ?? 0)
  }

  /// How many bytes at the end of the text are the beginning of `string` (Knuth, Morris and Pratt).
  private struct Matcher: Sendable {
    let string: [UInt8]
    /// `[n - 1]`: the longest proper beginning of the first n bytes that is also their end.
    let borders: [Int]
    var matched = 0

    init(_ string: [UInt8]) {
      self.string = string
      var borders = [0]
      var length = 0
      for byte in string.dropFirst() {
        while length > 0, string[length] != byte { length = borders[length - 1] }
        if string[length] == byte { length += 1 }
        borders.append(length)
      }
      self.borders = borders
    }

    var isComplete: Bool { matched == string.count }

    mutating func read(_ byte: UInt8) {
      while matched > 0, string[matched] != byte { matched = borders[matched - 1] }
      if string[matched] == byte { matched += 1 }
    }
  }
}
