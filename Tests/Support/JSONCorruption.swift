/// Damages JSON so that it mostly stays JSON: what a reader must be wary of is then what it says.
package enum JSONCorruption: CaseIterable {
  /// A value becomes one that few expect there.
  case surprise
  /// A value becomes another value of the file.
  case copy
  case swap
  /// A key becomes another key of the file, or none that anybody knows.
  case rename
  /// A value stands in brackets, in many of them, or many times in a list.
  case wrap

  /// Damages `bytes` in a random way, and says in which; nothing happens where they have no values.
  package static func damage(
    _ bytes: inout [UInt8], using generator: inout some RandomNumberGenerator
  ) -> JSONCorruption {
    let kind = allCases.randomElement(using: &generator) ?? .surprise
    let found = spans(of: bytes)
    let (keys, values) = (found.filter(\.isKey), found.filter { !$0.isKey })
    guard let first = values.randomElement(using: &generator),
      let second = values.randomElement(using: &generator)
    else { return kind }
    switch kind {
    case .surprise:
      bytes.replaceSubrange(first.range, with: surprise(bytes[first.range], &generator))
    case .copy:
      bytes.replaceSubrange(first.range, with: Array(bytes[second.range]))
    case .swap:
      let (early, late) =
        first.range.lowerBound < second.range.lowerBound
        ? (first.range, second.range) : (second.range, first.range)
      guard !early.overlaps(late) else { return kind }
      let (one, other) = (Array(bytes[early]), Array(bytes[late]))
      bytes.replaceSubrange(late, with: one)
      bytes.replaceSubrange(early, with: other)
    case .rename:
      guard let key = keys.randomElement(using: &generator),
        let other = keys.randomElement(using: &generator)
      else { return kind }
      let name = Bool.random(using: &generator) ? Array(bytes[other.range]) : Array("\"?\"".utf8)
      bytes.replaceSubrange(key.range, with: name)
    case .wrap:
      let value = Array(bytes[first.range].prefix(4096))
      let count = [1, 2, 600, 20_000].randomElement(using: &generator) ?? 1
      let wrapped =
        Bool.random(using: &generator)
        ? Array(repeating: UInt8(ascii: "["), count: count) + value
          + Array(repeating: UInt8(ascii: "]"), count: count)
        : Array("[".utf8)
          + Array(
            repeatElement(value, count: min(count, 1 << 20 / max(value.count, 1)))
              .joined(separator: ",".utf8)) + Array("]".utf8)
      bytes.replaceSubrange(first.range, with: wrapped)
    }
    return kind
  }

  private static func surprise(
    _ old: ArraySlice<UInt8>, _ generator: inout some RandomNumberGenerator
  ) -> [UInt8] {
    if let number = Int(String(decoding: old, as: UTF8.self)), Bool.random(using: &generator) {
      let near = [number &+ 1, number &- 1, number &* 2, number / 2, -number, number &* 1_000_003]
      return Array("\(near.randomElement(using: &generator) ?? 0)".utf8)
    }
    let values = [
      "0", "-1", "1", "2", "3", "7", "255", "65536", "16777215", "16777216", "2147483647",
      "4294967296", "9223372036854775807", "-9223372036854775808", "18446744073709551616", "0.5",
      "1e-320", "1e39", "1e308", "1e999", "-0.0", "null", "true", "false", "\"\"", "\"x\"",
      "\"\\u0000\"", "\"\\ud800\"", "\"\u{2581}\"", "\"../x\"", "\"yarn\"", "\"dynamic\"",
      "\"longrope\"", "\"gemma3_text\"", "\"phi3\"", "\"Sequence\"", "\"ByteLevel\"", "[]", "{}",
      "[0]", "[\"a\",\"b\"]", "\"\(String(repeating: "a", count: 100_000))\"",
    ]
    return Array((values.randomElement(using: &generator) ?? "null").utf8)
  }

  private struct Span {
    var range: Range<Int>
    var isKey: Bool
  }

  /// Where the values and the keys are.
  private static func spans(of bytes: [UInt8]) -> [Span] {
    var (spans, open): ([Span], [Int]) = ([], [])
    var index = 0
    func isKey(endingAt end: Int) -> Bool {
      bytes[end...].first { $0 != 0x20 && $0 != 0x0A } == UInt8(ascii: ":")
    }
    while index < bytes.count {
      let start = index
      switch bytes[index] {
      case UInt8(ascii: "{"), UInt8(ascii: "["): open.append(index)
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        if let start = open.popLast() {
          spans.append(Span(range: start..<index + 1, isKey: false))
        }
      case UInt8(ascii: "\""):
        index += 1
        while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
          index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
        }
        guard index < bytes.count else { return spans }
        spans.append(Span(range: start..<index + 1, isKey: isKey(endingAt: index + 1)))
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
        UInt8(ascii: "a")...UInt8(ascii: "z"):
        let rest = bytes[index...].firstIndex { ",]} \n\t:".utf8.contains($0) } ?? bytes.count
        spans.append(Span(range: start..<rest, isKey: false))
        index = rest - 1
      default: break
      }
      index += 1
    }
    return spans
  }
}
