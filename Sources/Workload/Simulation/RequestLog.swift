/// A server's log of requests as vLLM's benchmark writes it: one JSON object a line, with the numbers
/// of tokens and the moments at which the request was queued and gave its first and last token.
///
/// vLLM's engine looks for new requests between two steps, and that is what it logs as queued: a
/// request that comes in the middle of a step has waited by then. Where the log also says when it
/// came, by another clock (`arrival_time`, since 1970), that is its arrival; the clocks are taken to
/// differ by the least that ever lay between the two.
package struct RequestLog {
  /// In order of arrival, the first at time zero.
  package let observations: [RequestLogFit.Observation]

  /// Coefficients of a server's order, to begin a fit with.
  package static let start = StepTimeModel(
    overhead: 0.02, prefillToken: 5e-5, prefillContext: 1e-9, decode: 5e-5, decodeContext: 5e-8)

  private static let keys = [
    "input_toks", "output_toks", "queued_ts", "first_token_ts", "last_token_ts",
  ]

  /// Not every log has these: when it came, and when a step was first planned with it.
  private static let optionalKeys = ["arrival_time", "scheduled_ts"]

  private struct Row {
    var (input, output): (Int, Int)
    /// Queued, first token, last token.
    var moments: [FieldValues.Decimal]
    var arrival: FieldValues.Decimal?
    var scheduled: FieldValues.Decimal?
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
    guard let first = rows.first else {
      throw WorkloadError(.malformed, source: name, problem: "holds no request")
    }
    func moment(_ moment: FieldValues.Decimal) -> Time {
      Self.time(moment, since: first.moments[0])
    }
    let came = Self.arrivals(rows) ?? rows.map { moment($0.moments[0]) }
    let zero = came.min() ?? .zero
    let order = rows.indices.sorted { (came[$0], $0) < (came[$1], $1) }
    observations = order.enumerated().map { id, index in
      let row = rows[index]
      return RequestLogFit.Observation(
        request: Request(
          id: id, arrival: came[index] - zero, inputLength: row.input, outputLength: row.output),
        scheduled: row.scheduled.map { moment($0) - zero },
        firstToken: moment(row.moments[1]) - zero, lastToken: moment(row.moments[2]) - zero)
    }
  }

  /// When requests came, since the first of `rows` was queued; nil where the log does not say, or
  /// where either clock runs over so many days that their sums would leave the range of times.
  private static func arrivals(_ rows: [Row]) -> [Time]? {
    let longest = Time(seconds: 5 * 86_400)
    let arrivals = rows.compactMap(\.arrival)
    guard arrivals.count == rows.count else { return nil }
    var least = Time.never
    var times: [Time] = []
    for (row, arrival) in zip(rows, arrivals) {
      let queued = time(row.moments[0], since: rows[0].moments[0])
      let came = time(arrival, since: arrivals[0])
      guard queued < longest, came < longest, .zero - longest < came else { return nil }
      least = min(least, queued - came)
      times.append(came)
    }
    return times.map { $0 + least }
  }

  private static func row(_ line: Span<UInt8>) -> Row? {
    let wanted = (keys + optionalKeys).map { Array($0.utf8) }
    var places = [Range<Int>](repeating: 0..<0, count: wanted.count)
    guard JSONRow.scan(line, wanted: wanted, places: &places) == nil,
      let input = FieldValues.integer(line.extracting(places[0])),
      let output = FieldValues.integer(line.extracting(places[1])),
      1..<1 << 31 ~= input, 1..<1 << 31 ~= output
    else { return nil }
    let moments = places[2..<keys.count].compactMap { FieldValues.decimal(line.extracting($0)) }
    // Sums of moments stay within the clock's range: a log of weeks, since any origin.
    guard moments.count == 3, moments.allSatisfy({ 0..<1 << 40 ~= $0.whole }),
      moments[2].whole - moments[0].whole < 8_000_000,
      time(moments[1], since: moments[0]) >= .zero, time(moments[2], since: moments[1]) >= .zero
    else { return nil }
    func optional(_ place: Range<Int>) -> FieldValues.Decimal? {
      guard !place.isEmpty, let moment = FieldValues.decimal(line.extracting(place)),
        0..<1 << 40 ~= moment.whole
      else { return nil }
      return moment
    }
    var scheduled = optional(places[keys.count + 1])
    if let moment = scheduled,
      time(moment, since: moments[0]) < .zero || time(moments[1], since: moment) < .zero
    {
      scheduled = nil
    }
    return Row(
      input: input, output: output, moments: moments, arrival: optional(places[keys.count]),
      scheduled: scheduled)
  }

  private static func time(
    _ moment: FieldValues.Decimal, since zero: FieldValues.Decimal
  ) -> Time {
    let seconds = min(max(moment.whole - zero.whole, -8_000_000), 8_000_000)
    return Time(picoseconds: seconds * 1_000_000_000_000 + moment.pico - zero.pico)
  }
}
