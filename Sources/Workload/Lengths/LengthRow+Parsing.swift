extension LengthRow {
  /// More tokens than any context holds: what is above is no length.
  static let largestSize = 1 << 40
  private static let mostDraws = 100_000

  /// Reads the object in `bytes[range]`.
  ///
  /// - Throws: `malformed` naming source, line and key.
  package init(
    parsing bytes: [UInt8], in range: Range<Int>, source: String, line: Int
  ) throws(WorkloadError) {
    let value: JSONValue
    do throws(JSONSyntaxError) {
      value = try JSONValue(parsing: bytes, in: range)
    } catch {
      throw WorkloadError(
        .malformed, source: source, line: line,
        problem: error.isTruncation
          ? "the row ends in the middle" : "not JSON at byte \(error.offset + 1): \(error.problem)",
        advice: error.isTruncation
          ? "the program that wrote it was stopped: remove the line, or skip bad rows" : nil)
    }
    guard case .object = value else {
      throw WorkloadError(
        .malformed, source: source, line: line,
        problem: "expected an object with the keys of a CASTILLO row, found \(value.summary)")
    }
    try self.init(Fields(value: value, source: source, line: line))
  }

  private init(_ fields: Fields) throws(WorkloadError) {
    let percentiles = try fields.nested("output_percentiles")
    self.init(
      sampleID: try fields.text("sample_id"),
      promptID: try fields.text("prompt_id"),
      model: try fields.text("model"),
      dataset: try fields.text("dataset"),
      promptText: try fields.optionalText("prompt_text"),
      longestResponse: try fields.optionalText("longest_response"),
      shortestResponse: try fields.optionalText("shortest_response"),
      inputSize: try fields.size("input_size"),
      outputSizes: try fields.sizes("output_sizes", atMost: Self.mostDraws),
      statistics: LengthStatistics(
        mean: try fields.number("output_mean"),
        standardDeviation: try fields.number("output_std"),
        p25: try percentiles.number("p25"), p50: try percentiles.number("p50"),
        p75: try percentiles.number("p75"), p99: try percentiles.number("p99")),
      decoding: DecodingSettings(
        topK: try fields.size("top_k", atLeast: 0), topP: try fields.number("top_p"),
        temperature: try fields.number("temp")),
      category: try fields.optionalText("category") ?? Self.noCategory,
      generationTime: try fields.optionalNumber("gen_time"),
      split: try fields.optionalText("split"))
  }
}

/// Typed access to the members of one row's object.
private struct Fields {
  let value: JSONValue
  let source: String
  let line: Int
  var prefix = ""

  func text(_ key: String) throws(WorkloadError) -> String {
    guard let text = try optionalText(key) else { throw missing(key) }
    guard !text.isEmpty else { throw wrong(key, "expected a name, found an empty string") }
    return text
  }

  func optionalText(_ key: String) throws(WorkloadError) -> String? {
    switch value[key] {
    case nil, .null?: return nil
    case .string(let text)?: return text
    case let other?: throw wrong(key, "expected a string, found \(other.summary)")
    }
  }

  func number(_ key: String) throws(WorkloadError) -> Double {
    guard let number = try optionalNumber(key) else { throw missing(key) }
    return number
  }

  func optionalNumber(_ key: String) throws(WorkloadError) -> Double? {
    switch value[key] {
    case nil, .null?: return nil
    case .integer(let number)?: return try checked(Double(number), key)
    case .number(let number)?: return try checked(number, key)
    case let other?: throw wrong(key, "expected a number, found \(other.summary)")
    }
  }

  private func checked(_ number: Double, _ key: String) throws(WorkloadError) -> Double {
    guard number.isFinite, number >= 0 else {
      throw wrong(key, "expected a finite number from 0 up, found \(number)")
    }
    return number
  }

  func size(_ key: String, atLeast least: Int = 1) throws(WorkloadError) -> Int {
    switch value[key] {
    case nil, .null?: throw missing(key)
    case let found?: return try size(found, key, atLeast: least)
    }
  }

  private func size(_ found: JSONValue, _ key: String, atLeast least: Int) throws(WorkloadError)
    -> Int
  {
    guard case .integer(let size) = found, (least...LengthRow.largestSize).contains(size) else {
      throw wrong(key, "expected a whole number from \(least) up, found \(found.summary)")
    }
    return size
  }

  func sizes(_ key: String, atMost most: Int) throws(WorkloadError) -> [Int] {
    guard let found = value[key] else { throw missing(key) }
    guard case .array(let values) = found, (1...most).contains(values.count) else {
      throw wrong(key, "expected an array of 1 to \(most) whole numbers, found \(found.summary)")
    }
    var sizes: [Int] = []
    for (index, value) in values.enumerated() {
      sizes.append(try size(value, "\(key)[\(index)]", atLeast: 1))
    }
    return sizes
  }

  func nested(_ key: String) throws(WorkloadError) -> Fields {
    guard let inner = value[key] else { throw missing(key) }
    guard case .object = inner else {
      throw wrong(key, "expected an object, found \(inner.summary)")
    }
    return Fields(value: inner, source: source, line: line, prefix: "\(key).")
  }

  private func missing(_ key: String) -> WorkloadError { wrong(key, "is missing") }

  private func wrong(_ key: String, _ problem: String) -> WorkloadError {
    WorkloadError(.malformed, source: source, line: line, column: prefix + key, problem: problem)
  }
}
