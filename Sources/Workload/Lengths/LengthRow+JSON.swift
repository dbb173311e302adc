extension LengthRow {
  /// The row as Python's `json.dumps` writes the authors' dictionary: their order of keys, a blank
  /// after each comma and colon, everything beyond ASCII escaped. Without its line feed.
  ///
  /// Texts that were not kept, and a split or time that is not known, are left out.
  package var json: String {
    var text = JSONText()
    text.open()
    text.string("sample_id", sampleID)
    text.string("prompt_id", promptID)
    text.string("model", model)
    text.string("dataset", dataset)
    text.string("prompt_text", promptText)
    text.string("longest_response", longestResponse)
    text.string("shortest_response", shortestResponse)
    text.literal("input_size", "\(inputSize)")
    text.literal("output_sizes", "[\(outputSizes.map(String.init).joined(separator: ", "))]")
    text.literal("output_mean", "\(statistics.mean)")
    text.literal("output_std", "\(statistics.standardDeviation)")
    text.open("output_percentiles")
    text.literal("p25", "\(statistics.p25)")
    text.literal("p50", "\(statistics.p50)")
    text.literal("p75", "\(statistics.p75)")
    text.literal("p99", "\(statistics.p99)")
    text.close()
    text.literal("top_k", "\(decoding.topK)")
    text.literal("top_p", "\(decoding.topP)")
    text.literal("temp", "\(decoding.temperature)")
    text.string("category", category)
    if let generationTime { text.literal("gen_time", "\(generationTime)") }
    text.string("split", split)
    text.close()
    return text.result
  }

  /// The rows as one array on one line: the form of the authors' files by model and corpus.
  package static func jsonArray(_ rows: some Sequence<LengthRow>) -> String {
    "[" + rows.map(\.json).joined(separator: ", ") + "]"
  }
}

/// A JSON object in the making, in the way of Python's `json.dumps`. Swift and Python agree on the
/// shortest decimal that gives a number back.
private struct JSONText {
  private(set) var result = ""
  private var needsComma = false

  mutating func open(_ key: String? = nil) {
    if let key { name(key) }
    result += "{"
    needsComma = false
  }

  mutating func close() {
    result += "}"
    needsComma = true
  }

  mutating func literal(_ key: String, _ value: String) {
    name(key)
    result += value
  }

  mutating func string(_ key: String, _ value: String?) {
    guard let value else { return }
    name(key)
    result += "\""
    for unit in value.utf16 { append(unit) }
    result += "\""
  }

  private mutating func name(_ key: String) {
    result += needsComma ? ", \"\(key)\": " : "\"\(key)\": "
    needsComma = true
  }

  private mutating func append(_ unit: UInt16) {
    switch unit {
    case 0x22: result += "\\\""
    case 0x5C: result += "\\\\"
    case 0x0A: result += "\\n"
    case 0x0D: result += "\\r"
    case 0x09: result += "\\t"
    case 0x08: result += "\\b"
    case 0x0C: result += "\\f"
    case 0x20...0x7E: result.unicodeScalars.append(Unicode.Scalar(UInt8(unit)))
    default:
      let digits = String(unit, radix: 16)
      result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    }
  }
}
