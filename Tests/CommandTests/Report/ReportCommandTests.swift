import FoundationEssentials
import Support
import Testing

@testable import foretoken

@Suite struct ReportCommandTests {
  private let pair: TinyPair
  private let prompts: String

  init() throws {
    pair = try TinyPair()
    try pair.folder.write(
      "prompts.jsonl", Array(#"{"text": "hello"}"#.utf8 + [10] + #"{"text": "world"}"#.utf8 + [10]))
    prompts = pair.folder.path + "/prompts.jsonl"
  }

  private func report(_ arguments: String...) throws -> Program.Outcome {
    try CommandLineTool.run(
      ["report", "-m", pair.target, "-md", pair.draft, "-t", "1", "-n", "12", "--repeats", "1"]
        + arguments)
  }

  private func contents(_ name: String) throws -> String {
    let data = try Data(contentsOf: URL(filePath: "\(pair.folder.path)/out/\(name)"))
    return String(decoding: data, as: UTF8.self)
  }

  @Test func `A report and the report of its log are the same files`() throws {
    let out = pair.folder.path + "/out"
    let outcome = try report(prompts, "--fixed", "1-2", "-P", "confidence", "-o", out)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.text.contains("prompts, temperature 0, 2 prompts"))
    #expect(outcome.text.contains("token for token: 6 of 6."))
    let (json, csv, html) = (
      try contents("report.json"), try contents("report.csv"), try contents("report.html")
    )
    #expect(csv.split(separator: "\n").count == 6)
    #expect(html.hasSuffix("</html>\n") && html.contains("<svg "))
    #expect(json.contains("\"schema_version\" : 1") && json.contains("\"sha256\" : \""))

    let again = try CommandLineTool.run(["report", "--from-log", out, "-o", out])
    #expect(again.status == 0 && again.text == outcome.text)
    #expect(try contents("report.json") == json)
    #expect(try contents("report.csv") == csv)
    #expect(try contents("report.html") == html)
    let files = try FileManager.default.contentsOfDirectory(atPath: out)
    #expect(
      files.sorted() == ["report.csv", "report.html", "report.json", "rounds.jsonl.zst"])
  }

  @Test func `Stdout is what was asked for`() throws {
    let csv = try report(prompts, "-P", "fixed:1", "--format", "csv")
    #expect(csv.text.hasPrefix("set,temperature,policy,prompts,runs,tokens,tokens_per_second,"))
    let json = try report(prompts, "-P", "fixed:1", "--format", "json", "--temperature", "0,1")
    #expect(try JSONValue(parsing: json.text).count == 5)
    let markdown = try report(prompts, "-P", "fixed:1", "--format", "markdown", "--limit", "1")
    #expect(markdown.text.hasPrefix("### prompts, temperature 0, 1 prompts\n\n| policy "))
  }

  @Test func `Declared acceptance needs no matching draft`() throws {
    let outcome = try report(
      prompts, "-P", "fixed:2", "--ignore-eos", "--synthetic-acceptance-length", "3",
      "--format", "csv")
    #expect(outcome.status == 0)
    let fixed = try #require(outcome.text.split(separator: "\n").last).split(separator: ",")
    #expect(fixed[2] == "fixed:2")
    // Every candidate is kept: 3 tokens a round after the first.
    #expect(outcome.text.contains(",1,2.75,0,"))
  }

  @Test(
    "What cannot be is refused before anything is loaded",
    arguments: [
      ([], 64), (["none.jsonl"], 66), (["PROMPTS", "-P", "fast"], 64),
      (["PROMPTS", "--fixed", "9-1"], 64), (["PROMPTS", "--temperature", "-1"], 64),
      (["PROMPTS", "--synthetic-acceptance-rates", "0.1,0.2"], 64),
      (["PROMPTS", "-P", "specdecpp"], 66), (["--from-log", "/nowhere"], 66),
      (["PROMPTS", "--quick", "--from-log", "x"], 64),
    ] as [([String], Int32)])
  func refusals(_ arguments: [String], _ status: Int32) throws {
    let outcome = try CommandLineTool.run(
      ["report", "-m", pair.target, "-md", pair.draft]
        + arguments.map { $0 == "PROMPTS" ? prompts : $0 })
    #expect(outcome.status == status, "\(outcome.errors)")
    #expect(outcome.text.isEmpty && !outcome.errors.isEmpty)
  }
}
