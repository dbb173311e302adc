import FoundationEssentials
import Support
import Testing

@testable import foretoken

@Suite struct LengthsPredictTests {
  private struct Row: Decodable {
    var id: String
    var p10, p50, p90, p99, mean, runaway_probability: Double
  }

  private struct Answer: Decodable { var predictions: [Row] }

  private static let llama = "meta-llama--Llama-3.2-3B-Instruct"
  private static let prompts = """
    {"id": "short", "prompt": "Identify which instrument is string or percussion: Cantaro, Gudok"}
    {"id": "long", "prompt": "Write a long and detailed essay about the history of Rome."}
    """

  private func predict(_ arguments: String..., input: String = prompts) throws -> Program.Outcome {
    try CommandLineTool.run(["lengths", "predict"] + arguments, input: input)
  }

  private func predictions(_ outcome: Program.Outcome) throws -> [Row] {
    try #require(outcome.status == 0, "\(outcome.errors)")
    return try JSONDecoder().decode(Answer.self, from: Data(outcome.text.utf8)).predictions
  }

  @Test func `The shipped predictor orders quantiles, and an essay is longer than a word`() throws {
    let rows = try predictions(predict("--for", Self.llama, "--format", "json"))
    #expect(rows.map(\.id) == ["short", "long"])
    for row in rows {
      #expect(1 <= row.p10 && row.p10 < row.p50 && row.p50 < row.p90 && row.p90 <= row.p99)
      #expect(row.p10 < row.mean && 0..<1 ~= row.runaway_probability)
    }
    #expect(rows[0].p50 * 2 < rows[1].p50)
  }

  @Test func `An answer that goes on has less left, and is likelier to run away`() throws {
    let before = try predictions(predict("--for", Self.llama, "--format", "json"))[1]
    let after = try predictions(
      predict("--for", Self.llama, "--format", "json", "--generated", "\(Int(before.p50))"))[1]
    #expect(after.p50 < before.p50)
    #expect(after.runaway_probability > before.runaway_probability)
  }

  @Test func `A model that is not known is said, and predicted all the same`() throws {
    let outcome = try predict("--for", "nobody--knows", "--format", "json")
    #expect(outcome.errors.contains("does not know nobody--knows"))
    #expect(try predictions(outcome).count == 2)
    #expect(try predict("--models").text.contains(Self.llama + "\n"))
  }

  @Test func `Input that is no prompt, and a file that is no predictor, are refused by name`()
    throws
  {
    let line = try predict("--for", Self.llama, input: "{\"prompt\": \"a\"}\n{\"other\": 1}\n")
    #expect(line.status == 65 && line.errors.contains(":2: "))
    let missing = try predict("--predictor", "/nowhere/at/all")
    #expect(missing.status == 66 && missing.errors.contains("/nowhere/at/all"))
    #expect(try predict("--generated", "-1").status == 64)
  }
}
