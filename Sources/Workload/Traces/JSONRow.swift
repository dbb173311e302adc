/// Rows that are one JSON object each. Only what lies between the braces of the row itself is
/// looked at: values of other keys are stepped over, whatever they hold.
enum JSONRow {
  /// The keys of an object, as far as it can be read.
  static func names(_ line: [UInt8]) -> [String] {
    var names: [String] = []
    _ = forEachMember(line.span) { key, _ in
      names.append(String(decoding: line[key], as: UTF8.self))
    }
    return names
  }

  /// Finds the values of the keys in `wanted` (an empty name asks for nothing).
  ///
  /// - Parameter places: receives where each value is, a string's without its quotes; an empty
  ///   range where the key is missing or `null`.
  /// - Returns: the byte at which the line stops being a JSON object, or `nil` if all is well.
  static func scan(
    _ line: Span<UInt8>, wanted: [[UInt8]], places: inout [Range<Int>]
  ) -> Int? {
    for index in places.indices { places[index] = 0..<0 }
    return forEachMember(line) { key, value in
      for index in wanted.indices where wanted[index].count == key.count && !key.isEmpty {
        var offset = 0
        while offset < key.count, wanted[index][offset] == line[key.lowerBound + offset] {
          offset += 1
        }
        guard offset == key.count else { continue }
        places[index] = isNull(line, value) ? 0..<0 : value
      }
    }
  }

  private static func isNull(_ line: Span<UInt8>, _ range: Range<Int>) -> Bool {
    range.count == 4 && line[range.lowerBound] == UInt8(ascii: "n")
  }

  private static func forEachMember(
    _ line: Span<UInt8>, _ body: (_ key: Range<Int>, _ value: Range<Int>) -> Void
  ) -> Int? {
    var at = skipBlanks(line, 0)
    guard at < line.count, line[at] == UInt8(ascii: "{") else { return at }
    at = skipBlanks(line, at + 1)
    if at < line.count, line[at] == UInt8(ascii: "}") {
      at = skipBlanks(line, at + 1)
      return at == line.count ? nil : at
    }
    while true {
      guard at < line.count, line[at] == UInt8(ascii: "\""), let keyEnd = endOfString(line, at)
      else { return at }
      let key = at + 1..<keyEnd - 1
      at = skipBlanks(line, keyEnd)
      guard at < line.count, line[at] == UInt8(ascii: ":") else { return at }
      at = skipBlanks(line, at + 1)
      guard let end = endOfValue(line, at), end > at else { return at }
      body(key, line[at] == UInt8(ascii: "\"") ? at + 1..<end - 1 : at..<end)
      at = skipBlanks(line, end)
      guard at < line.count else { return at }
      if line[at] == UInt8(ascii: "}") {
        at = skipBlanks(line, at + 1)
        return at == line.count ? nil : at
      }
      guard line[at] == UInt8(ascii: ",") else { return at }
      at = skipBlanks(line, at + 1)
    }
  }

  private static func skipBlanks(_ line: Span<UInt8>, _ start: Int) -> Int {
    var at = start
    while at < line.count, line[at] == 0x20 || line[at] == 0x09 { at += 1 }
    return at
  }

  /// Just after the closing quote of the string that begins at `start`.
  private static func endOfString(_ line: Span<UInt8>, _ start: Int) -> Int? {
    var at = start + 1
    while at < line.count {
      if line[at] == UInt8(ascii: "\"") { return at + 1 }
      at += line[at] == UInt8(ascii: "\\") ? 2 : 1
    }
    return nil
  }

  private static func endOfValue(_ line: Span<UInt8>, _ start: Int) -> Int? {
    guard start < line.count else { return nil }
    if line[start] == UInt8(ascii: "\"") { return endOfString(line, start) }
    var depth = 0
    var at = start
    while at < line.count {
      switch line[at] {
      case UInt8(ascii: "["), UInt8(ascii: "{"):
        depth += 1
        at += 1
      case UInt8(ascii: "]"), UInt8(ascii: "}"):
        if depth == 0 { return at }
        depth -= 1
        at += 1
        if depth == 0 { return at }
      case UInt8(ascii: ","), 0x20, 0x09:
        if depth == 0 { return at }
        at += 1
      case UInt8(ascii: "\""):
        guard depth > 0, let end = endOfString(line, at) else { return nil }
        at = end
      default: at += 1
      }
    }
    return depth == 0 ? at : nil
  }
}
