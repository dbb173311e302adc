import FoundationEssentials
import Support
import Testing
import Workload

@testable import foretoken

@Suite struct LengthsStatsTests {
  private let folder: TemporaryFolder
  private let rows: String

  /// Rows of two models on two corpora that the paper has too; one answer ran away.
  init() throws {
    folder = try TemporaryFolder()
    rows = folder.path + "/rows.jsonl"
    var lines = ""
    for (place, model) in ["google/gemma-3-4b-it", "microsoft/Phi-4-mini-instruct"].enumerated() {
      for prompt in 0..<120 {
        let length = 20 * (prompt % 7 + 1) * (place + 1)
        let sizes = (0..<10).map {
          prompt == 3 && $0 == 0 ? 15001 : length + ($0 * 7 + prompt) % 10
        }
        lines +=
          LengthRow(
            model: model, dataset: prompt % 2 == 0 ? "Mbpp" : "Alpaca",
            prompt: "Write \(prompt % 7 + 1) lines about number \(prompt)", inputSize: 12,
            responses: sizes.map { Response(length: $0) },
            decoding: DecodingSettings(topK: 50, topP: 1, temperature: 1), generationTime: 1
          ).json + "\n"
      }
    }
    try TextFile.write(lines, to: rows)
  }

  private func lengths(_ arguments: String...) throws -> Program.Outcome {
    try CommandLineTool.run(["lengths"] + arguments)
  }

  @Test func `Statistics stand beside the published ones, in JSON and on a page with pictures`()
    throws
  {
    let page = folder.path + "/page.html"
    let outcome = try lengths("stats", rows, "--published", "--format", "json", "--html", page)
    let all = try tables(outcome)
    #expect(all["published"]?.count == 4)
    let first = try #require(all["published"]?.first)
    #expect(first["published_mean"]?.double == 539.6)
    #expect(all["tau_between_models"]?.count == 2)
    #expect(all["rows"]?.first?["degenerate"]?.double == 2)
    let html = try String(contentsOfFile: page, encoding: .utf8)
    for title in [
      "Some prompts under every model", "How far models lie apart on one prompt",
      "Spread of the answers to one prompt", "Mean lengths of prompts",
      "Standard deviations within prompts", "Rows with runaway answers by model", "Noise floor",
    ] {
      #expect(html.contains(title))
    }
    #expect(html.contains("<svg") && !html.contains("NaN"))
    #expect(try lengths("stats", rows, "--check").text.contains("240 rows, 240 of them with"))
  }

  @Test func `Evaluation has every table, with floor, baseline and cost, and leaves models out`()
    throws
  {
    let quick = ["--networks", "1", "--epochs", "2", "--bucket-bits", "6", "--folds", "2"]
    let arguments = ["lengths", "evaluate", rows, "--format", "json", "--resamples", "10"] + quick
    let outcome = try CommandLineTool.run(arguments)
    let all = try tables(outcome)
    #expect(
      Set(all.keys) == [
        "points", "distributions", "pit", "reservations", "by_model", "by_dataset", "cost",
      ])
    let points = try #require(all["points"])
    #expect(points.count == 4)
    #expect(points.last?["predictor"]?.string?.hasPrefix("floor") == true)
    for row in points {
      let error = try #require(row["mae"]?.double)
      #expect(try #require((row["mae_low"] ?? row["mae"])?.double ?? error) <= error)
    }
    for row in try #require(all["pit"]) {
      let shares = (1...10).compactMap { row["tenth_\($0)"]?.double }
      #expect(abs(shares.reduce(0, +) - 1) < 1e-6)
    }
    let reservations = try #require(all["reservations"]?.prefix(7))
    let covered = reservations.compactMap { $0["covered"]?.double }
    #expect(covered.count == 7 && covered == covered.sorted())
    let cost = try #require(all["cost"]?.first)
    #expect(try #require(cost["microseconds_mean"]?.double) > 0)
    #expect(try #require(cost["memory_mib"]?.double) > 0)

    let transfer = try CommandLineTool.run(arguments + ["--transfer-shots", "10"])
    #expect(try tables(transfer)["transfer"]?.count == 3)
    #expect(try CommandLineTool.run(arguments + ["--transfer-shots", "0"]).status == 64)
  }

  @Test func `Bad rows are named by file and line, and can be passed over and counted`() throws {
    let bad = folder.path + "/bad.jsonl"
    let text = try String(contentsOfFile: rows, encoding: .utf8)
    var lines = text.split(separator: "\n").map(String.init)
    lines[4] = lines[4].replacing("\"input_size\": 12", with: "\"input_size\": -12")
    try TextFile.write(lines.joined(separator: "\n"), to: bad)
    let refused = try lengths("stats", bad)
    #expect(refused.status == 65 && refused.errors.contains("bad.jsonl:5: column input_size"))
    let passed = try lengths("stats", bad, "--skip-bad", "--format", "csv")
    #expect(passed.status == 0 && passed.errors.contains("1 rows skipped"))
  }
}

/// The tables of a command's JSON: rows of values by key.
private func tables(_ outcome: Program.Outcome) throws -> [String: [[String: JSONValue]]] {
  try #require(outcome.status == 0, "\(outcome.errors)")
  return try JSONDecoder().decode(
    [String: [[String: JSONValue]]].self, from: Data(outcome.text.utf8))
}
