/// Writes requests as lines of a trace format, the way its reader reads them.
package struct TraceWriter: Sendable {
  package let schema: TraceSchema
  /// What `Request.client` and `Request.serviceClass` stand for; an index without a name is
  /// written as a number.
  package var clients: [String] = []
  package var classes: [String] = []
  /// Zero of a calendar clock: 2023-11-16 00:00:00, the day of the Azure traces.
  private static let calendarDay = "2023-11-16"

  package init(_ schema: TraceSchema) { self.schema = schema }

  /// The line before the first row, without a line feed; `nil` if the format has none.
  package var header: String? {
    schema.container == .csv
      ? writtenFields.map { quoted(schema[$0] ?? "") }.joined(separator: ",") : nil
  }

  private var writtenFields: [TraceSchema.Field] {
    TraceSchema.Field.allCases.filter { schema[$0] != nil }
  }

  /// One request as a line, without its line feed.
  package func line(_ request: Request) -> String {
    var parts: [String] = []
    for field in writtenFields {
      let value = value(field, request)
      switch schema.container {
      case .csv: parts.append(isText(field) ? quoted(value) : value)
      case .jsonLines:
        let shown = isText(field) ? Self.jsonString(value) : value
        parts.append("\(Self.jsonString(schema[field] ?? "")): \(shown)")
      }
    }
    let joined = parts.joined(separator: schema.container == .csv ? "," : ", ")
    return schema.container == .csv ? joined : "{\(joined)}"
  }

  private func isText(_ field: TraceSchema.Field) -> Bool {
    switch field {
    case .client, .serviceClass, .text: true
    case .arrival: schema.time == .calendar
    default: false
    }
  }

  private func value(_ field: TraceSchema.Field, _ request: Request) -> String {
    switch field {
    case .arrival: arrival(request.arrival)
    case .input: "\(request.inputLength)"
    case .output: "\(request.outputLength)"
    case .limit: "\(request.outputLimit ?? request.outputLength)"
    case .priority: "\(request.priority)"
    case .client: Self.name(request.client, clients)
    case .serviceClass: Self.name(request.serviceClass, classes)
    case .text: request.text ?? ""
    case .hashes:
      "[" + request.prefixHashes.map { "\(Int64(bitPattern: $0))" }.joined(separator: ", ") + "]"
    }
  }

  private static func name(_ index: Int, _ names: [String]) -> String {
    names.indices.contains(index) ? names[index] : "\(index)"
  }

  private func arrival(_ time: Time) -> String {
    let pico = time.picoseconds
    switch schema.time {
    case .number(let perSecond):
      let unit = 1_000_000_000_000 / perSecond
      let whole = pico / unit
      let places = perSecond == 1 ? 12 : perSecond == 1000 ? 9 : perSecond == 1_000_000 ? 6 : 3
      return Self.decimal(whole, rest: pico % unit, places: places)
    case .calendar:
      let seconds = pico / 1_000_000_000_000
      func two(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
      let clock = "\(two(seconds / 3600 % 24)):\(two(seconds / 60 % 60))"
      let rest = Self.decimal(seconds % 60, rest: pico % 1_000_000_000_000, places: 12)
      return "\(Self.calendarDay) \(clock):\(seconds % 60 < 10 ? "0" : "")\(rest)"
    }
  }

  static func decimal(_ whole: Int64, rest: Int64, places: Int) -> String {
    guard rest > 0 else { return "\(whole)" }
    var digits = "\(rest)"
    digits = String(repeating: "0", count: max(0, places - digits.count)) + digits
    while digits.hasSuffix("0") { digits.removeLast() }
    return "\(whole).\(digits)"
  }

  private func quoted(_ text: String) -> String {
    text.contains(",") ? "\"\(text)\"" : text
  }

  static func jsonString(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\t": out += "\\t"
      default:
        if scalar.value < 0x20 {
          let hex = String(scalar.value, radix: 16)
          out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
        } else {
          out.unicodeScalars.append(scalar)
        }
      }
    }
    return out + "\""
  }
}
