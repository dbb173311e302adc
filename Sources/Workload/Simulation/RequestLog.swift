/// A server's log of requests as vLLM's benchmark writes it: one JSON object a line, with the numbers
/// of tokens and the moments at which the request was queued and gave its first and last token.
package struct RequestLog {
  /// In order of arrival, the first at time zero.
  package let observations: [RequestLogFit.Observation]

  /// Coefficients of a server's order, to begin a fit with.
  package static let start = StepTimeModel(
    overhead: 0.02, prefillToken: 5e-5, prefillContext: 1e-9, decode: 5e-5, decodeContext: 5e-8)

  private static let keys = [
    "input_toks", "output_toks", "queued_ts", "first_token_ts", "last_token_ts",
  ]

  private struct Row {
    var (input, output): (Int, Int)
    /// Queued, first token, last token.
    var moments: [FieldValues.Decimal]
  }

  /// - Parameter name: the file as the user named it, for errors.
  /// - Throws: `WorkloadError` with the line that is wrong.
  package init<Source: ByteSource>(_ source: Source, name: String) throws(WorkloadError) {
    var lines = LineSplitter(source, name: name)
    var rows: [Row] = []
    while try lines.advance() {
      if lines.range.isEmpty { continue }
      guard let row = Self.row(lines.bytes.span.extracting(lines.range)) else {
        throw WorkloadError(
          .malformed, source: name, line: lines.number, problem: "is no line of a request log",
          advice: "a line has \(Self.keys.joined(separator: ", ")), the moments in order; or is of "
            + "a log of \"foretoken replay --log\"")
      }
      rows.append(row)
    }
    rows.sort { Self.time($0.moments[0], since: $1.moments[0]) < .zero }
    guard let zero = rows.first?.moments[0] else {
      throw WorkloadError(.malformed, source: name, problem: "holds no request")
    }
    observations = rows.enumerated().map { index, row in
      let moments = row.moments.map { Self.time($0, since: zero) }
      return RequestLogFit.Observation(
        request: Request(
          id: index, arrival: moments[0], inputLength: row.input, outputLength: row.output),
        firstToken: moments[1], lastToken: moments[2])
    }
  }

  private static func row(_ line: Span<UInt8>) -> Row? {
    var places = [Range<Int>](repeating: 0..<0, count: keys.count)
    guard JSONRow.scan(line, wanted: keys.map { Array($0.utf8) }, places: &places) == nil,
      let input = FieldValues.integer(line.extracting(places[0])),
      let output = FieldValues.integer(line.extracting(places[1])),
      1..<1 << 31 ~= input, 1..<1 << 31 ~= output
    else { return nil }
    let moments = places[2...].compactMap { FieldValues.decimal(line.extracting($0)) }
    // Sums of moments stay within the clock's range: a log of weeks, since any origin.
    guard moments.count == 3, moments.allSatisfy({ 0..<1 << 40 ~= $0.whole }),
      moments[2].whole - moments[0].whole < 8_000_000,
      time(moments[1], since: moments[0]) >= .zero, time(moments[2], since: moments[1]) >= .zero
    else { return nil }
    return Row(input: input, output: output, moments: moments)
  }

  private static func time(
    _ moment: FieldValues.Decimal, since zero: FieldValues.Decimal
  ) -> Time {
    let seconds = min(max(moment.whole - zero.whole, -8_000_000), 8_000_000)
    return Time(picoseconds: seconds * 1_000_000_000_000 + moment.pico - zero.pico)
  }
}
