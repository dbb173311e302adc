import FoundationEssentials
import Support
import Testing

@testable import foretoken

/// A study on a trace drawn for the test: whole, in shards, and after an end in the middle.
@Suite struct StudyTests {
  private let folder: Support.TemporaryFolder
  private let file: String

  init() throws {
    folder = try Support.TemporaryFolder()
    var generator = SeededGenerator(seed: 11)
    var (clock, lines) = (0.0, ["arrived_at,num_prefill_tokens,num_decode_tokens"])
    for _ in 0..<400 {
      clock += Double.random(in: 0...0.3, using: &generator)
      lines.append(
        "\(clock),\(Int.random(in: 1...900, using: &generator)),"
          + "\(Int.random(in: 1...300, using: &generator))")
    }
    try folder.write(Array((lines.joined(separator: "\n") + "\n").utf8), as: "trace.csv")
    file = folder.file("study.json")
    try write(
      """
      {"traces": [{"name": "drawn", "path": "trace.csv"}], "policies": ["fcfs", "sjf", "random"],
       "predictors": ["none", "noise:0.3", "oracle"], "loads": [0.5, 1], "kv_blocks": [400],
       "speculation": [null, {"drafts": "2"}], "seeds": [1, 2], "resamples": 50}
      """)
  }

  private func write(_ text: String) throws {
    try folder.write(Array(text.utf8), as: "study.json")
  }

  private func text(_ path: String) throws -> String {
    String(decoding: try folder.read(path), as: UTF8.self)
  }

  private func study(_ output: String, _ more: String...) throws -> Program.Outcome {
    try CommandLineTool.run(
      ["study", file, "--output", folder.path + "/" + output, "-t", "2"] + more)
  }

  @Test func `Whole, in shards and resumed, a study gives the same bytes`() throws {
    let whole = try study("whole", "--print", "json")
    try #require(whole.status == 0, "\(whole.errors)")
    let table = try text("whole/study.csv")
    // Two loads, with and without drafts; fcfs, sjf with two predictors, random.
    #expect(table.split(separator: "\n").count == 1 + 4 * 4)
    #expect(try text("whole/study.html").contains("</html>"))

    for part in ["1/3", "3/3", "2/3"] {
      let missing = try study("parts", "--merge")
      #expect(missing.status == 66 && missing.errors.contains("of 8 scenes are not there"))
      #expect(try study("parts", "--shard", part).status == 0)
    }
    #expect(try study("parts", "--merge").status == 0)
    #expect(try text("parts/study.csv") == table)
    #expect(try text("parts/study.html") == text("whole/study.html"))

    // Killed in the middle of its fourth line.
    let journal = try text("whole/scenes.jsonl").split(separator: "\n")
    #expect(journal.count == 8)
    try FileManager.default.createDirectory(
      atPath: folder.path + "/cut", withIntermediateDirectories: true)
    let left = journal.prefix(3).joined(separator: "\n") + "\n" + journal[3].prefix(500)
    try folder.write(Array(left.utf8), as: "cut/scenes.jsonl")
    #expect(try study("cut").status == 0)
    #expect(try text("cut/study.csv") == table)
    let resumed = try text("cut/scenes.jsonl").split(separator: "\n")
    #expect(resumed.count == 8 && resumed.prefix(3).elementsEqual(journal.prefix(3)))
  }

  @Test func `Knowing lengths helps, a random order does not`() throws {
    let outcome = try study("gains", "--print", "csv")
    try #require(outcome.status == 0, "\(outcome.errors)")
    let rows = try text("gains/study.csv").split(separator: "\n").map {
      $0.split(separator: ",", omittingEmptySubsequences: false)
    }
    let header = try #require(rows.first)
    let gain = try #require(header.firstIndex(of: "gain_mean"))
    func gains(_ policy: String, _ predictor: String) -> [Double] {
      rows.filter { $0[2] == policy && $0[3] == predictor && $0[4] == "1" }
        .compactMap { Double($0[gain]) }
    }
    #expect(gains("fcfs", "none") == [1, 1])
    for (oracle, noise) in zip(gains("sjf", "oracle"), gains("sjf", "noise:0.3")) {
      // A weak predictor may not pay; the truth does.
      #expect(oracle > noise && oracle > 1)
    }
    #expect(gains("random", "none").allSatisfy { $0 < 1.1 })
  }

  @Test func `A journal of another study is not taken for this one's`() throws {
    #expect(try study("other").status == 0)
    try write(
      """
      {"traces": [{"name": "drawn", "path": "trace.csv", "limit": 100}], "policies": ["fcfs"],
       "predictors": ["none"]}
      """)
    let outcome = try study("other")
    #expect(outcome.status == 65 && outcome.errors.contains("belongs to another study"))
  }

  @Test(
    "What is wrong with a study is said",
    arguments: [
      ("{", "not valid JSON"),
      (#"{"traces": [], "policies": ["fcfs"], "predictors": ["none"]}"#, "traces: names none"),
      (#"{"polices": ["fcfs"]}"#, "'polices' is not a key"),
      (
        #"{"traces": [{"name": "a", "path": "trace.csv"}], "policies": ["best"], "predictors": ["none"]}"#,
        "'best' is not known"
      ),
      (
        #"{"traces": [{"name": "a", "path": "trace.csv"}], "policies": ["sjf"], "predictors": ["noise:2"]}"#,
        "noise:TAU"
      ),
      (
        #"{"traces": [{"name": "a", "path": "gone.csv"}], "policies": ["sjf"], "predictors": ["none"]}"#,
        "cannot be opened"
      ),
      (
        #"{"traces": [{"name": "a", "path": "trace.csv"}], "policies": ["sjf"], "predictors": ["none"], "loads": [0]}"#,
        "loads: must lie"
      ),
    ])
  func problems(_ text: String, _ problem: String) throws {
    try write(text)
    let outcome = try study("wrong")
    #expect(
      (64...66).contains(outcome.status) && outcome.errors.contains(problem), "\(outcome.errors)")
    #expect(try CommandLineTool.run(["study", file, "--shard", "4/3"]).status == 64)
  }
}
