/// What became of a trace's rows.
package struct TraceCounts: Equatable, Sendable {
  /// Rows that became requests.
  package var requests = 0
  /// Rows whose answer has no token (failures in BurstGPT): left out.
  package var unanswered = 0
  /// Rows that were wrong, where those are skipped.
  package var bad = 0
  /// The first of them.
  package var firstBad: WorkloadError?

  package init() {}
}

/// Reads any trace format, row by row: memory holds one line, whatever the file's size.
package struct TraceReader<Source: ByteSource>: RequestSource {
  package let schema: TraceSchema
  package private(set) var counts = TraceCounts()
  /// Names of `Request.client`, by index.
  package private(set) var clients = NameTable()
  /// Names of `Request.serviceClass`, by index.
  package private(set) var classes = NameTable()

  private var lines: LineSplitter<Source>
  private let name: String
  private let skipsBad: Bool
  /// The second that counts as zero; the first row's, unless the trace's own clock is kept.
  private var origin: FieldValues.Decimal?
  private var latest = Time.zero
  /// For CSV: column number by field. For JSON: key bytes by field.
  private var wantedColumns: [Int] = []
  private var wantedKeys: [[UInt8]] = []
  private var places = [Range<Int>](repeating: 0..<0, count: TraceSchema.Field.allCases.count)
  /// A first line of JSON that detection has looked at and that is still to be read as a row.
  private var pending = false

  /// Opens a trace: reads its first line.
  ///
  /// - Parameters:
  ///   - source: the bytes, decompressed.
  ///   - name: the file as the user named it, for errors.
  ///   - schema: the format, or `nil` to tell it from the first line.
  ///   - skipsBad: count wrong rows instead of stopping at the first.
  ///   - rebases: the first arrival becomes time zero; otherwise the trace's own zero stays.
  /// - Throws: `.unknownFormat` if the format cannot be told, `.malformed` if columns are missing.
  package init(
    _ source: Source, name: String, schema: TraceSchema? = nil, skipsBad: Bool = false,
    rebases: Bool = true
  ) throws(WorkloadError) {
    self.name = name
    self.skipsBad = skipsBad
    lines = LineSplitter(source, name: name)
    if !rebases { origin = FieldValues.Decimal(whole: 0, pico: 0) }
    var found = false
    while !found, try lines.advance() { found = !lines.range.isEmpty }
    guard found else {
      throw WorkloadError(
        .malformed, source: name, problem: "the file is empty",
        advice: "a trace has a header line or one JSON object a line")
    }
    let first = Array(lines.bytes[lines.range])
    if var schema {
      if schema.name == "columns" { schema.container = TraceSchema.container(firstLine: first) }
      self.schema = schema
    } else {
      self.schema = try TraceSchema.detect(firstLine: first, source: name)
    }
    switch self.schema.container {
    case .csv: try readHeader(DelimitedRow.names(first))
    case .jsonLines:
      wantedKeys = TraceSchema.Field.allCases.map { Array((self.schema[$0] ?? "").utf8) }
      pending = true
    }
  }

  private mutating func readHeader(_ names: [String]) throws(WorkloadError) {
    for field in TraceSchema.Field.allCases {
      let column = schema[field]
      let index = names.firstIndex { $0 == column }
      if let column, index == nil, schema.required.contains(column) {
        throw WorkloadError(
          .malformed, source: name, line: lines.number, column: column,
          problem: "the header of a \(schema.name) trace must have it, found "
            + names.prefix(12).joined(separator: ", "))
      }
      wantedColumns.append(index ?? -1)
    }
  }

  package mutating func next() throws(WorkloadError) -> Request? {
    while true {
      if pending {
        pending = false
      } else {
        guard try lines.advance() else { return nil }
      }
      if lines.range.isEmpty { continue }
      do {
        if let request = try row() {
          counts.requests += 1
          return request
        }
        counts.unanswered += 1
      } catch {
        guard skipsBad else { throw error }
        counts.bad += 1
        if counts.firstBad == nil { counts.firstBad = error }
      }
    }
  }

  /// The line at hand as a request, or `nil` if it was never answered.
  private mutating func row() throws(WorkloadError) -> Request? {
    let bytes = lines.bytes
    switch schema.container {
    case .csv:
      let count = DelimitedRow.scan(
        bytes.span.extracting(lines.range), wanted: wantedColumns, places: &places)
      let last = wantedColumns.max() ?? 0
      if count <= last {
        throw WorkloadError(
          .malformed, source: name, line: lines.number,
          problem: "the row has \(count) columns, \(last + 1) or more are needed")
      }
    case .jsonLines:
      let stop = JSONRow.scan(
        bytes.span.extracting(lines.range), wanted: wantedKeys, places: &places)
      if let stop {
        throw WorkloadError(
          .malformed, source: name, line: lines.number,
          problem: "not a JSON object: stopped making sense at byte \(stop + 1)",
          advice: "one object a line")
      }
    }
    let input = try tokens(.input, atLeast: 1)
    let output = try tokens(.output, atLeast: 0)
    if output == 0 { return nil }
    var request = Request(
      id: counts.requests, arrival: try arrival(), inputLength: input, outputLength: output)
    if has(.limit) { request.outputLimit = try tokens(.limit, atLeast: 1) }
    if has(.priority) { request.priority = try integer(.priority) }
    if has(.client) { request.client = clients.index(of: text(.client)) }
    if has(.serviceClass) { request.serviceClass = classes.index(of: text(.serviceClass)) }
    if has(.hashes) {
      let range = absolute(.hashes)
      guard
        FieldValues.hashes(lines.bytes.span.extracting(range), into: &request.prefixHashes)
      else { throw wrong(.hashes, "expected a list of whole numbers") }
      request.prefixBlockSize = schema.hashBlockSize
    }
    if has(.text) { request.text = try prompt() }
    return request
  }

  /// What the row's arrival says, in seconds on the trace's own clock.
  private func clock() throws(WorkloadError) -> FieldValues.Decimal {
    let bytes = lines.bytes.span.extracting(absolute(.arrival))
    switch schema.time {
    case .calendar:
      guard let date = FieldValues.date(bytes) else {
        throw wrong(.arrival, "expected a date such as 2023-11-16 18:15:46.68")
      }
      return date
    case .number(let perSecond):
      guard let number = FieldValues.decimal(bytes) else {
        throw wrong(.arrival, "expected a number")
      }
      let unit = 1_000_000_000_000 / perSecond
      return FieldValues.Decimal(
        whole: number.whole / perSecond,
        pico: number.whole % perSecond * unit + number.pico / perSecond)
    }
  }

  private mutating func arrival() throws(WorkloadError) -> Time {
    guard schema[.arrival] != nil else { return .zero }
    let seconds = try clock()
    let zero = origin ?? seconds
    origin = zero
    let (whole, overflow) = seconds.whole.subtractingReportingOverflow(zero.whole)
    guard !overflow, whole.magnitude < 7_000_000 else {
      throw wrong(.arrival, "more than 80 days from the start of the trace")
    }
    let time = Time(picoseconds: whole * 1_000_000_000_000 + seconds.pico - zero.pico)
    guard time >= latest else {
      throw wrong(
        .arrival, "\((latest - time).seconds) s earlier than the row before",
        advice: "sort the trace by arrival")
    }
    latest = time
    return time
  }

  private func absolute(_ field: TraceSchema.Field) -> Range<Int> {
    let place = places[field.rawValue]
    let base = lines.range.lowerBound
    return base + place.lowerBound..<base + place.upperBound
  }

  private func has(_ field: TraceSchema.Field) -> Bool { !places[field.rawValue].isEmpty }

  private func text(_ field: TraceSchema.Field) -> String {
    String(decoding: lines.bytes[absolute(field)], as: UTF8.self)
  }

  /// The prompt, with nothing escaped.
  private func prompt() throws(WorkloadError) -> String {
    switch schema.container {
    case .csv: return DelimitedRow.unquoted(text(.text))
    case .jsonLines:
      let place = absolute(.text)
      let quoted = place.lowerBound - 1..<place.upperBound + 1
      guard lines.bytes[quoted.lowerBound] == UInt8(ascii: "\""),
        case .string(let text)? = try? JSONValue(parsing: lines.bytes, in: quoted)
      else { throw wrong(.text, "expected a text") }
      return text
    }
  }

  private func integer(_ field: TraceSchema.Field) throws(WorkloadError) -> Int {
    guard let value = FieldValues.integer(lines.bytes.span.extracting(absolute(field))) else {
      throw wrong(field, "expected a whole number")
    }
    return value
  }

  private func tokens(
    _ field: TraceSchema.Field, atLeast least: Int
  ) throws(WorkloadError) -> Int {
    let value = try integer(field)
    guard value >= least, value <= Int(Int32.max) else {
      throw wrong(field, "expected \(least) to \(Int32.max) tokens")
    }
    return value
  }

  private func wrong(
    _ field: TraceSchema.Field, _ expected: String, advice: String? = nil
  ) -> WorkloadError {
    let shown = has(field) ? "found '\(text(field).prefix(40))'" : "found nothing"
    return WorkloadError(
      .malformed, source: name, line: lines.number, column: schema[field] ?? "\(field)",
      problem: "\(expected), \(shown)", advice: advice)
  }
}

/// Names and their indices, in the order in which they came.
package struct NameTable: Equatable, Sendable {
  package private(set) var names: [String] = []
  private var indices: [String: Int] = [:]

  package init() {}

  package mutating func index(of name: String) -> Int {
    if let index = indices[name] { return index }
    indices[name] = names.count
    names.append(name)
    return names.count - 1
  }
}
