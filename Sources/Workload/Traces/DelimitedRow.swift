/// Rows of a comma-separated file (RFC 4180): fields may be quoted and then hold commas.
enum DelimitedRow {
  /// The field names of a header line.
  static func names(_ line: [UInt8]) -> [String] {
    var names: [String] = []
    forEachField(line.span) { _, range in
      names.append(text(line, range))
    }
    return names
  }

  /// Finds the fields whose column numbers are in `wanted`.
  ///
  /// - Parameters:
  ///   - wanted: column number of each field, -1 for a field that the file lacks.
  ///   - places: receives where each field is; an empty range where the row is too short.
  /// - Returns: how many columns the row has.
  static func scan(
    _ line: Span<UInt8>, wanted: [Int], places: inout [Range<Int>]
  ) -> Int {
    for index in places.indices { places[index] = 0..<0 }
    var count = 0
    forEachField(line) { column, range in
      count = column + 1
      for index in wanted.indices where wanted[index] == column { places[index] = range }
    }
    return count
  }

  /// Calls `body` with each column's number and where its text is, quotes and blanks left out.
  private static func forEachField(_ line: Span<UInt8>, _ body: (Int, Range<Int>) -> Void) {
    var column = 0
    var start = 0
    while start <= line.count {
      var end = start
      if start < line.count, line[start] == UInt8(ascii: "\"") {
        start += 1
        end = start
        while end < line.count, line[end] != UInt8(ascii: "\"") || isDoubled(line, end) {
          end += line[end] == UInt8(ascii: "\"") ? 2 : 1
        }
        body(column, start..<end)
        while end < line.count, line[end] != UInt8(ascii: ",") { end += 1 }
      } else {
        while end < line.count, line[end] != UInt8(ascii: ",") { end += 1 }
        body(column, trimmed(line, start..<end))
      }
      column += 1
      start = end + 1
    }
  }

  /// Within quotes two quotes stand for one.
  static func unquoted(_ field: String) -> String {
    field.replacing("\"\"", with: "\"")
  }

  private static func isDoubled(_ line: Span<UInt8>, _ index: Int) -> Bool {
    index + 1 < line.count && line[index + 1] == UInt8(ascii: "\"")
  }

  private static func trimmed(_ line: Span<UInt8>, _ range: Range<Int>) -> Range<Int> {
    var (low, high) = (range.lowerBound, range.upperBound)
    while low < high, line[low] == UInt8(ascii: " ") { low += 1 }
    while low < high, line[high - 1] == UInt8(ascii: " ") { high -= 1 }
    return low..<high
  }

  private static func text(_ line: [UInt8], _ range: Range<Int>) -> String {
    String(decoding: line[range], as: UTF8.self)
  }
}
