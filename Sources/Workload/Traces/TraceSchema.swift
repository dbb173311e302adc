/// What a trace format calls things: enough to read a row of it and to write one.
package struct TraceSchema: Equatable, Sendable {
  package enum Container: Equatable, Sendable {
    /// Comma-separated with a header line; fields may be quoted.
    case csv
    /// One JSON object per line.
    case jsonLines
  }

  /// What a row can say about a request.
  package enum Field: Int, CaseIterable, Sendable {
    case arrival, input, output, limit, priority, client, serviceClass, hashes, text
  }

  package enum TimeFormat: Equatable, Sendable {
    /// A number of which this many make a second: 1, 1000, 1000000 or 1000000000.
    case number(perSecond: Int64)
    /// `2023-11-16 18:15:46.6805900`, with `T` for the space and a zone if you like.
    case calendar
  }

  /// What `--format` calls it.
  package var name: String
  package var container: Container
  /// Column or key of each field, by `Field.rawValue`; `nil` where the format has none.
  package private(set) var columns = [String?](repeating: nil, count: Field.allCases.count)
  package var time = TimeFormat.number(perSecond: 1)
  /// Tokens named by one prefix hash; 0 without.
  package var hashBlockSize = 0

  package init(
    _ name: String, _ container: Container, time: TimeFormat = .number(perSecond: 1),
    hashBlockSize: Int = 0, _ columns: [Field: String]
  ) {
    self.name = name
    self.container = container
    self.time = time
    self.hashBlockSize = hashBlockSize
    for (field, column) in columns { self.columns[field.rawValue] = column }
  }

  package subscript(field: Field) -> String? { columns[field.rawValue] }
}

extension TraceSchema {
  /// Every format that is known by name, the particular ones before those that they resemble.
  package static let known: [TraceSchema] = [
    TraceSchema(
      "foretoken", .csv,
      [
        .arrival: "arrival_s", .input: "input_tokens", .output: "output_tokens",
        .priority: "priority", .client: "client", .serviceClass: "class",
      ]),
    TraceSchema(
      "azure", .csv, time: .calendar,
      [.arrival: "TIMESTAMP", .input: "ContextTokens", .output: "GeneratedTokens"]),
    TraceSchema(
      "burstgpt", .csv,
      [
        .arrival: "Timestamp", .input: "Request tokens", .output: "Response tokens",
        .serviceClass: "Model",
      ]),
    TraceSchema(
      "vidur", .csv,
      [.arrival: "arrived_at", .input: "num_prefill_tokens", .output: "num_decode_tokens"]),
    TraceSchema(
      "splitwise", .csv,
      [.arrival: "arrival_timestamp", .input: "prompt_size", .output: "token_size"]),
    TraceSchema(
      "lengths", .csv, [.input: "num_prefill_tokens", .output: "num_decode_tokens"]),
    TraceSchema(
      "bailian", .jsonLines, hashBlockSize: 16,
      [
        .client: "chat_id", .arrival: "timestamp", .input: "input_length",
        .output: "output_length", .serviceClass: "type", .hashes: "hash_ids",
      ]),
    TraceSchema(
      "mooncake", .jsonLines, time: .number(perSecond: 1000), hashBlockSize: 512,
      [
        .arrival: "timestamp", .input: "input_length", .output: "output_length",
        .hashes: "hash_ids",
      ]),
    TraceSchema(
      "llmservingsim", .jsonLines, time: .number(perSecond: 1_000_000_000),
      [.arrival: "arrival_time_ns", .input: "input_toks", .output: "output_toks"]),
    TraceSchema(
      "vllm", .jsonLines,
      [.arrival: "arrival_time", .input: "input_toks", .output: "output_toks"]),
  ]

  /// Columns that a row of the format cannot do without.
  package var required: [String] {
    [self[.arrival], self[.input], self[.output]].compactMap(\.self)
      // Only Bailian's rows say whose turn they are, which tells them from Mooncake's.
      + (name == "bailian" ? ["chat_id"] : [])
  }

  package static func named(_ name: String) throws(WorkloadError) -> TraceSchema {
    if let schema = known.first(where: { $0.name == name }) { return schema }
    throw WorkloadError(
      .unknownFormat, source: "--format", problem: "'\(name)' is not a trace format",
      advice: "known are \(known.map(\.name).joined(separator: ", ")); or map columns yourself")
  }

  /// The schema behind `--columns arrival=ts:ms,input=prompt,output=completion`.
  ///
  /// A unit (`s`, `ms`, `us`, `ns`, `date`) may follow the arrival's name. The container is told
  /// apart when the first line is seen.
  package static func columns(_ text: String, container: Container) throws(WorkloadError)
    -> TraceSchema
  {
    func wrong(_ problem: String) -> WorkloadError {
      WorkloadError(
        .invalidSetting, source: "--columns", problem: problem,
        advice: "as in arrival=ts:ms,input=prompt_tokens,output=completion_tokens")
    }
    let names: [String: Field] = [
      "arrival": .arrival, "input": .input, "output": .output, "limit": .limit,
      "priority": .priority, "client": .client, "class": .serviceClass, "hashes": .hashes,
      "text": .text,
    ]
    let units: [String: TimeFormat] = [
      "s": .number(perSecond: 1), "ms": .number(perSecond: 1000),
      "us": .number(perSecond: 1_000_000), "ns": .number(perSecond: 1_000_000_000),
      "date": .calendar,
    ]
    var columns: [Field: String] = [:]
    var time = TimeFormat.number(perSecond: 1)
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard sides.count == 2, let field = names[String(sides[0])], !sides[1].isEmpty else {
        throw wrong("'\(part)' is not NAME=COLUMN with a name that is known")
      }
      guard columns[field] == nil else { throw wrong("'\(sides[0])' is given twice") }
      var column = String(sides[1])
      if field == .arrival, let colon = column.lastIndex(of: ":") {
        guard let unit = units[String(column[column.index(after: colon)...])] else {
          throw wrong("the unit of '\(part)' is none of s, ms, us, ns, date")
        }
        time = unit
        column = String(column[..<colon])
      }
      columns[field] = column
    }
    guard columns[.input] != nil, columns[.output] != nil else {
      throw wrong("input and output are needed")
    }
    let block = columns[.hashes] == nil ? 0 : 512
    return TraceSchema("columns", container, time: time, hashBlockSize: block, columns)
  }

  /// The format whose columns are all in the first line of a file.
  ///
  /// - Parameters:
  ///   - firstLine: the header of a CSV file or the first object of a JSONL file.
  ///   - source: the file, for the error.
  package static func detect(firstLine: [UInt8], source: String) throws(WorkloadError)
    -> TraceSchema
  {
    let container = container(firstLine: firstLine)
    let names: [String]
    switch container {
    case .csv: names = DelimitedRow.names(firstLine)
    case .jsonLines: names = JSONRow.names(firstLine)
    }
    if let schema = known.first(where: {
      $0.container == container && $0.required.allSatisfy(names.contains)
    }) {
      return schema
    }
    let listed = names.prefix(12).joined(separator: ", ")
    throw WorkloadError(
      .unknownFormat, source: source, line: 1,
      problem: names.isEmpty
        ? "the first line names no columns" : "no known format has the columns \(listed)",
      advice: "say which column is which: --columns arrival=...,input=...,output=...")
  }

  /// JSON lines begin with a brace.
  package static func container(firstLine: [UInt8]) -> Container {
    let first = firstLine.first { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }
    return first == UInt8(ascii: "{") ? .jsonLines : .csv
  }
}
