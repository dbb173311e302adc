import Decoding
import Testing

@Suite struct StopStringsTests {
  /// All texts of the letters a and b with `lengths` letters.
  private static func texts(_ lengths: ClosedRange<Int>) -> [String] {
    lengths.flatMap { length in
      (0..<1 << length).map { bits in
        String((0..<length).map { bits >> $0 & 1 == 0 ? "a" : "b" as Character })
      }
    }
  }

  /// What is clear of the strings, by trying everything: nil where one of them is complete.
  private static func naive(_ text: String, _ strings: [String]) -> (clear: Int, isFound: Bool) {
    let bytes = Array(text.utf8)
    for end in 0...bytes.count {
      let complete = strings.filter { bytes[..<end].reversed().starts(with: $0.utf8.reversed()) }
      if let longest = complete.map(\.utf8.count).max() { return (end - longest, true) }
    }
    let held = strings.flatMap { string in
      (0..<string.utf8.count).filter {
        bytes.count >= $0 && bytes.suffix($0).elementsEqual(string.utf8.prefix($0))
      }
    }
    return (bytes.count - (held.max() ?? 0), false)
  }

  @Test func `It agrees with trying everything, for all small texts and pairs of strings`() {
    let strings = Self.texts(1...3)
    let texts = Self.texts(0...8)
    var wrong: [String] = []
    for first in strings {
      for second in strings where first <= second {
        let both = [first, second]
        for text in texts {
          var stop = StopStrings(both)
          stop.read(text)
          let expected = Self.naive(text, both)
          if (stop.clearCount, stop.isFound) != expected { wrong.append("\(both) in \(text)") }
        }
      }
    }
    #expect(wrong.isEmpty, "\(wrong.prefix(5))")
  }

  @Test func `How the text is cut into parts changes nothing`() {
    let both = ["aab", "aba"]
    for text in Self.texts(1...9) {
      let letters = Array(text)
      for cuts in 0..<1 << (letters.count - 1) {
        var parts = StopStrings(both)
        var part = ""
        for (index, letter) in letters.enumerated() {
          part.append(letter)
          if cuts >> index & 1 == 1 || index == letters.count - 1 {
            parts.read(part)
            part = ""
          }
        }
        let expected = Self.naive(text, both)
        guard (parts.clearCount, parts.isFound) == expected else {
          Issue.record("\(text), cut at the bits of \(cuts): \(parts), expected \(expected)")
          return
        }
      }
    }
  }

  @Test func `What is clear ends with a whole character`() {
    var stop = StopStrings(["é!", "\u{1F600}"])
    stop.read("caf")
    #expect(stop.clearCount == 3)
    stop.read("é")
    #expect(stop.clearCount == 3)
    stop.read("?")
    #expect(stop.clearCount == "café?".utf8.count)
    stop.read("\u{1F600}, not read")
    #expect(stop.isFound)
    #expect(stop.clearCount == "café?".utf8.count)
  }

  @Test func `Without strings everything is clear`() {
    var stop = StopStrings(["", ""])
    stop.read("anything")
    #expect(stop.clearCount == 8)
    #expect(!stop.isFound)
  }
}
