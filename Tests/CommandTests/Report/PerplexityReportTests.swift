import Support
import Testing

@testable import foretoken

@Suite struct PerplexityReportTests {
  private let pair: TinyPair

  init() throws { pair = try TinyPair() }

  private func report(_ arguments: String...) throws -> Program.Outcome {
    try CommandLineTool.run(["report", "-m", pair.target, "-t", "1"] + arguments)
  }

  @Test func `The target's perplexity on a text, as stored and in small types`() throws {
    try pair.folder.write(
      "text.txt", Array(String(repeating: "the hat and the tin. ", count: 20).utf8))
    let text = pair.folder.path + "/text.txt"
    let outcome = try report("--perplexity", text, "--window", "64", "--format", "json")
    #expect(outcome.status == 0, "\(outcome.errors)")
    let rows = try JSONValue(parsing: outcome.text)["perplexity"]
    #expect((0..<3).map { rows[$0]["dtype"].string } == ["f32", "q8", "q4"])
    let values = try (0..<3).map { try #require(rows[$0]["perplexity"].double) }
    for (index, value) in values.enumerated() {
      // The vocabulary has 272 tokens; a random model is about as perplexed.
      #expect(value > 10 && value < 5000)
      if index > 0 {
        let ratio = try #require(rows[index]["ratio"].double)
        #expect(abs(ratio - value / values[0]) < 1e-9 * ratio)
      }
    }
    #expect(abs(values[1] / values[0] - 1) < abs(values[2] / values[0] - 1) + 0.01)

    let one = try report("--perplexity", text, "--window", "64", "--dtype", "bf16")
    #expect(one.status == 0 && one.text.contains("1 text, windows of 64 tokens"))
    #expect(one.text.split(separator: "\n").count == 4)
  }

  @Test func `Rows of JSON lines are texts of their own`() throws {
    try pair.folder.write(
      "rows.jsonl", Array("{\"text\": \"the hat\"}\n{\"text\": \"and the tin\"}\n".utf8))
    let rows = pair.folder.path + "/rows.jsonl"
    let both = try report("--perplexity", rows, "--dtype", "f32", "--format", "csv")
    let first = try report(
      "--perplexity", rows, "--dtype", "f32", "--format", "csv", "--limit", "1")
    func tokens(_ outcome: Program.Outcome) throws -> Int {
      #expect(outcome.status == 0, "\(outcome.errors)")
      let line = try #require(outcome.text.split(separator: "\n").last)
      return try #require(Int(line.split(separator: ",")[2]))
    }
    // "the hat" is the, space, h, a, t: four to predict; then and, space, the, space, t, in.
    #expect(try tokens(first) == 4)
    #expect(try tokens(both) == 4 + 5)
  }

  @Test(
    "What cannot be measured is refused",
    arguments: [
      (["none.txt"], 66), (["EMPTY"], 65), (["BINARY"], 65), (["TEXT", "--window", "1"], 64),
      (["TEXT", "--window", "9999"], 64), (["TEXT", "--quick"], 64),
    ] as [([String], Int32)])
  func refused(_ arguments: [String], status: Int32) throws {
    try pair.folder.write("EMPTY", [])
    try pair.folder.write("BINARY", [0x61, 0xFF, 0xFE])
    try pair.folder.write("TEXT", Array("some text".utf8))
    let named = arguments.map { $0 == $0.uppercased() ? pair.folder.path + "/" + $0 : $0 }
    let outcome = try CommandLineTool.run(["report", "-m", pair.target, "--perplexity"] + named)
    #expect(outcome.status == status, "\(outcome.errors)")
  }
}
