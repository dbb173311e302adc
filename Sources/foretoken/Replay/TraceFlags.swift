import ArgumentParser
import Workload

/// Which trace, how to read it and what to change on the way.
struct TraceFlags: ParsableArguments {
  @Argument(help: "A trace: CSV or JSONL, plain, zstd or gzip; - is stdin.")
  var trace = "-"
  @Option(
    help: ArgumentHelp(
      "The trace's format; told from its first line without.",
      discussion: "One of \(TraceSchema.known.map(\.name).joined(separator: ", ")).",
      valueName: "name"))
  var format: String?
  @Option(
    help: "Columns of another format, as in arrival=ts:ms,input=prompt,output=completion.")
  var columns: String?
  @Flag(help: "Count rows that are wrong instead of stopping at the first.")
  var skipBad = false
  @Option(help: "Leave out requests that arrive before this many seconds.")
  var from = 0.0
  @Option(help: "Leave out requests that arrive this many seconds in, or later.")
  var until: Double?
  @Option(help: "Multiply the arrivals' times: 0.5 doubles the rate.")
  var timeScale = 1.0
  @Option(help: "Keep each request with this chance.")
  var keep = 1.0
  @Option(help: "At most this many requests.")
  var limit: Int?
  @Option(help: "Cut prompts that are longer.")
  var maxInput: Int?
  @Option(help: "Cut answers that are longer.")
  var maxOutput: Int?
  @Option(help: "Cut prompts so that prompt and answer together are no longer.")
  var maxTotal: Int?

  typealias Source = TransformedRequests<TraceReader<FileBytes>>

  /// Opens the trace from its start.
  func open(seed: UInt64) throws(WorkloadError) -> Source {
    guard trace != "-" || !ByteSource.standardInputIsTerminal else {
      throw WorkloadError(
        .invalidSetting, source: "trace", problem: "none was given",
        advice: "name a file, or pipe one in")
    }
    guard format == nil || columns == nil else {
      throw WorkloadError(
        .invalidSetting, source: "--columns", problem: "cannot go with --format")
    }
    var schema: TraceSchema?
    if let format { schema = try TraceSchema.named(format) }
    if let columns { schema = try TraceSchema.columns(columns, container: .csv) }
    let reader = try TraceReader(
      FileBytes(path: trace), name: trace, schema: schema, skipsBad: skipBad)
    var transform = TraceTransform()
    transform.window =
      Time(
        seconds: max(0, from))..<max(
        Time(seconds: max(0, from)), until.map { Time(seconds: $0) } ?? .never)
    transform.timeScale = timeScale
    transform.keepShare = keep
    transform.limit = limit ?? .max
    transform.longestInput = maxInput ?? .max
    transform.longestOutput = maxOutput ?? .max
    transform.longestTotal = maxTotal ?? .max
    transform.seed = seed
    return try TransformedRequests(reader, transform)
  }

  /// What was left out or changed, as one line for stderr; nothing if nothing was.
  static func remarks(_ source: Source) -> String? {
    let rows = source.base.counts
    let changed = source.counts
    var parts: [String] = []
    if rows.bad > 0 {
      parts.append("\(rows.bad) bad rows, the first: \(rows.firstBad?.description ?? "")")
    }
    if rows.unanswered > 0 { parts.append("\(rows.unanswered) requests without an answer") }
    if changed.clippedInputs > 0 { parts.append("\(changed.clippedInputs) prompts cut") }
    if changed.clippedOutputs > 0 { parts.append("\(changed.clippedOutputs) answers cut") }
    return parts.isEmpty ? nil : parts.joined(separator: "; ")
  }
}
