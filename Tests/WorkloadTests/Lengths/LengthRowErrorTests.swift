import Testing

@testable import Workload

@Suite("Bad rows are named by line and key")
struct LengthRowErrorTests {
  /// A good line, with one part replaced.
  private func line(_ part: String = "", _ replacement: String = "") -> String {
    let line = Rows.row(sizes: [10, 20]).json
    return part.isEmpty ? line : line.replacing(part, with: replacement)
  }

  private func failure(_ text: String, _ options: LengthRowReadingOptions = .init()) throws
    -> WorkloadError
  {
    var reader = LengthRowReader(text: text, options: options)
    return try #require(throws: WorkloadError.self) { try reader.rest() }
  }

  @Test(
    "wrong types and values out of range",
    arguments: [
      ("\"input_size\": 12", "\"input_size\": \"12\"", "input_size", "the string \"12\""),
      ("\"input_size\": 12", "\"input_size\": 12.5", "input_size", "found 12.5"),
      ("\"input_size\": 12", "\"input_size\": -1", "input_size", "found -1"),
      ("[10, 20]", "[10, -20]", "output_sizes[1]", "found -20"),
      ("[10, 20]", "[10, NaN]", "output_sizes[1]", "found nan"),
      ("[10, 20]", "[10, 1e3]", "output_sizes[1]", "found 1000.0"),
      ("[10, 20]", "[]", "output_sizes", "an array of 0"),
      ("[10, 20]", "10", "output_sizes", "found 10"),
      ("\"output_mean\": 15.0", "\"output_mean\": Infinity", "output_mean", "found inf"),
      ("\"output_mean\": 15.0", "\"output_mean\": null", "output_mean", "is missing"),
      ("\"p25\": ", "\"p26\": ", "output_percentiles.p25", "is missing"),
      ("\"temp\": 1.0", "\"temp\": true", "temp", "found true"),
      ("\"model\": ", "\"modell\": ", "model", "is missing"),
      ("\"model\": \"maker--Model-1B\"", "\"model\": \"\"", "model", "empty string"),
    ])
  func types(part: String, replacement: String, column: String, problem: String) throws {
    let damaged = line(part, replacement)
    #expect(damaged != line())
    let error = try failure(line("Say", "Sing") + "\n" + damaged + "\n")
    #expect(error.line == 2)
    #expect(error.column == column)
    #expect(error.problem.contains(problem))
    #expect(error.description.hasPrefix("rows.jsonl:2: column \(column): "))
  }

  @Test("a last line that was cut off")
  func truncation() throws {
    for length in [1, 30, 120, line().utf8.count - 1] {
      let error = try failure(line("Say", "Sing") + "\n" + line().prefix(length))
      #expect(error.line == 2)
      #expect(error.problem == "the row ends in the middle")
    }
  }

  @Test("an array that was cut off, or that something follows")
  func brokenArrays() throws {
    let text = LengthRow.jsonArray([Rows.row(sizes: [1]), Rows.row(sizes: [2])])
    #expect(try failure(String(text.dropLast(1))).problem.contains("no end after row 2"))
    #expect(try failure(String(text.dropLast(9))).problem.contains("row 2 has no end"))
    #expect(try failure(text + "[").problem.contains("follows"))
    #expect(try failure("[3]").problem.contains("array of objects"))
    #expect(try failure(text.replacing("}, {", with: "} {")).problem.contains("array of objects"))
  }

  @Test("the same row twice, but not the same prompt drawn twice")
  func duplicates() throws {
    let again = Rows.row(sizes: [10, 21])
    let error = try failure([line(), again.json, line()].joined(separator: "\n"))
    #expect(error.line == 3)
    #expect(error.column == "sample_id")
    #expect(error.problem.contains("already on line 1"))
  }

  @Test("a second model or way of decoding, where one was asked for")
  func mixtures() throws {
    let strict = LengthRowReadingOptions(requiresOneModel: true)
    let other = Rows.row(model: "other", sizes: [1]).json
    #expect(try failure(line() + "\n" + other, strict).column == "model")
    let cold = DecodingSettings(topK: 0, topP: 1, temperature: 0)
    let colder = Rows.row(sizes: [1], decoding: cold).json
    #expect(try failure(line() + "\n" + colder, strict).column == "top_k, top_p, temp")
    var mixture = LengthRowReader(text: [line(), other, colder].joined(separator: "\n"))
    #expect(try mixture.rest().count == 3)
  }

  @Test("bad rows are passed over and counted on request")
  func skipping() throws {
    let text = [line(), "{\"a\": 1}", "nonsense", Rows.row(sizes: [1]).json, line(), "{"]
    var reader = LengthRowReader(
      text: text.joined(separator: "\n"), options: LengthRowReadingOptions(skipsBadRows: true))
    #expect(try reader.rest().count == 2)
    #expect(reader.skipped.map(\.line) == [2, 3, 5, 6])
    #expect(reader.count == 2)
  }

  @Test("hostile JSON ends with an error, not with the program")
  func hostile() throws {
    let deep = "{\"a\": " + String(repeating: "[", count: 100_000)
    #expect(try failure(deep).problem.contains("levels"))
    #expect(try failure("{\"a\": \"\\ud800\\u12\"}").problem.contains("hexadecimal"))
    #expect(try failure("{\"a\": \"\u{1}\"}").problem.contains("control character"))
    #expect(try failure("[1, 2]").problem.contains("array of objects"))
    #expect(try failure("{\"a\": 1-2}").problem.contains("not JSON"))
    #expect(try failure("17").problem.contains("CASTILLO"))
  }
}
