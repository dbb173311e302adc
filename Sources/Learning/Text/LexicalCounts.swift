/// What can be counted in a text at a glance: how long it is, what it is made of, how it is laid out.
///
/// One pass over the bytes (`foretoken-bench learning` times it). Code, lists and questions are
/// answered at different lengths, and such counts tell them apart.
package struct LexicalCounts: Equatable, Sendable {
  package var bytes = 0
  /// Unicode scalars.
  package var characters = 0
  package var words = 0
  package var longestWord = 0
  package var digits = 0
  package var capitals = 0
  /// Scalars outside of ASCII.
  package var foreign = 0
  package var lines = 0
  package var blankLines = 0
  package var longestLine = 0
  /// Lines that begin, after white space, with `- `, `* `, `+ `, or a number and `.` or `)`.
  package var listMarkers = 0
  /// Lines that begin with `#`.
  package var headings = 0
  /// Lines that begin, after white space, with three backticks.
  package var codeFences = 0
  package var questionMarks = 0
  package var exclamationMarks = 0
  package var fullStops = 0
  package var commas = 0
  package var colons = 0
  package var semicolons = 0
  package var quotes = 0
  package var parentheses = 0
  package var brackets = 0
  package var braces = 0
  /// Of `= < > + * / % & | ^ ~ \`.
  package var operators = 0

  package init(of text: String) {
    withUTF8(text) { utf8 in
      bytes = utf8.count
      var (word, lineStart) = (0, 0)
      for index in 0...utf8.count {
        let byte = index < utf8.count ? utf8[index] : UInt8(ascii: "\n")
        if index < utf8.count { count(byte) }
        if isWordByte(byte) {
          word += 1
          longestWord = max(longestWord, word)
          if word == 1 { words += 1 }
        } else {
          word = 0
        }
        // The end of the text ends a line, unless the last line has been ended already.
        if byte == UInt8(ascii: "\n"), index < utf8.count || lineStart < index {
          countLine(utf8[lineStart..<index])
          lineStart = index + 1
        }
      }
    }
  }

  private mutating func count(_ byte: UInt8) {
    if byte & 0xC0 != 0x80 { characters += 1 }
    switch byte {
    case 0xC0...0xFF: foreign += 1
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digits += 1
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): capitals += 1
    case UInt8(ascii: "?"): questionMarks += 1
    case UInt8(ascii: "!"): exclamationMarks += 1
    case UInt8(ascii: "."): fullStops += 1
    case UInt8(ascii: ","): commas += 1
    case UInt8(ascii: ":"): colons += 1
    case UInt8(ascii: ";"): semicolons += 1
    case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "`"): quotes += 1
    case UInt8(ascii: "("), UInt8(ascii: ")"): parentheses += 1
    case UInt8(ascii: "["), UInt8(ascii: "]"): brackets += 1
    case UInt8(ascii: "{"), UInt8(ascii: "}"): braces += 1
    case UInt8(ascii: "="), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "+"),
      UInt8(ascii: "*"), UInt8(ascii: "/"), UInt8(ascii: "%"), UInt8(ascii: "&"),
      UInt8(ascii: "|"), UInt8(ascii: "^"), UInt8(ascii: "~"), UInt8(ascii: "\\"):
      operators += 1
    default: break
    }
  }

  private mutating func countLine(_ line: Slice<UnsafeBufferPointer<UInt8>>) {
    lines += 1
    longestLine = max(longestLine, line.count)
    let content = line.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
    guard let first = content.first, first != UInt8(ascii: "\r") else {
      blankLines += 1
      return
    }
    let afterDigits = content.drop { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    switch first {
    case UInt8(ascii: "-"), UInt8(ascii: "*"), UInt8(ascii: "+"):
      if content.dropFirst().first == UInt8(ascii: " ") { listMarkers += 1 }
    case UInt8(ascii: "0")...UInt8(ascii: "9"):
      if let next = afterDigits.first, next == UInt8(ascii: ".") || next == UInt8(ascii: ")") {
        listMarkers += 1
      }
    case UInt8(ascii: "#"): headings += 1
    case UInt8(ascii: "`"):
      if content.prefix(3).count == 3, content.prefix(3).allSatisfy({ $0 == first }) {
        codeFences += 1
      }
    default: break
    }
  }

  /// The counts as features, in the order of `names`.
  package var features: [Float] {
    [
      bytes, characters, words, longestWord, digits, capitals, foreign, lines, blankLines,
      longestLine, listMarkers, headings, codeFences, questionMarks, exclamationMarks, fullStops,
      commas, colons, semicolons, quotes, parentheses, brackets, braces, operators,
    ].map { Float($0) }
  }

  package static let names = [
    "bytes", "characters", "words", "longest word", "digits", "capitals", "foreign", "lines",
    "blank lines", "longest line", "list markers", "headings", "code fences", "question marks",
    "exclamation marks", "full stops", "commas", "colons", "semicolons", "quotes", "parentheses",
    "brackets", "braces", "operators",
  ]
}
