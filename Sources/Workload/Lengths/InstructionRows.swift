/// Instructions with an answer, as data for tuning models has them.
package enum InstructionRows {
  package struct Row: Sendable {
    package var source: String
    /// The instruction, then its input if there is one.
    package var prompt: String
    package var answer: String
  }

  /// Reads lines of objects with `source`, `instruction`, `input` and `output`.
  ///
  /// - Throws: `malformed` naming line and key.
  package static func read(
    _ source: some ByteSource, name: String, _ body: (Row) -> Void
  ) throws(WorkloadError) {
    var lines = LineSplitter(source, name: name)
    while try lines.advance() {
      if lines.range.isEmpty { continue }
      let line = try JSONLine(lines.bytes, lines.range, source: name, number: lines.number)
      let input = try line.optionalText("input") ?? ""
      let instruction = try line.text("instruction")
      body(
        Row(
          source: try line.optionalText("source") ?? "",
          prompt: input.isEmpty ? instruction : "\(instruction)\nContext: \(input)",
          answer: try line.text("output")))
    }
  }
}

/// One line that holds an object, and what is wrong with it by line and key.
struct JSONLine {
  private let value: JSONValue
  private let source: String
  private let number: Int

  init(_ bytes: [UInt8], _ range: Range<Int>, source: String, number: Int) throws(WorkloadError) {
    self.source = source
    self.number = number
    do throws(JSONSyntaxError) {
      value = try JSONValue(parsing: bytes, in: range)
    } catch {
      throw WorkloadError(
        .malformed, source: source, line: number,
        problem: "not JSON at byte \(error.offset + 1): \(error.problem)")
    }
  }

  func text(_ key: String) throws(WorkloadError) -> String {
    guard let text = try optionalText(key) else { throw wrong(key, "is missing") }
    return text
  }

  func optionalText(_ key: String) throws(WorkloadError) -> String? {
    switch value[key] {
    case nil, .null?: return nil
    case .string(let text)?: return text
    case let other?: throw wrong(key, "expected a string, found \(other.summary)")
    }
  }

  func wrong(_ key: String, _ problem: String) -> WorkloadError {
    WorkloadError(.malformed, source: source, line: number, column: key, problem: problem)
  }
}
