import Decoding
import FoundationEssentials
import Support
import Testing
import Transformer

@testable import foretoken

@Suite struct ReportRunTests {
  @Test func `Every policy answers every prompt at every temperature with every seed`() throws {
    let fixture = try ReportFixture(temperatures: [0, 1], seeds: [1, 2], repeats: 2)
    let (runs, isComplete) = try fixture.run()
    #expect(isComplete)
    // At temperature 0 only the first seed counts.
    #expect(runs.count == 4 * 5 * 3 * 2)
    let cells = Dictionary(grouping: runs) {
      "\($0.prompt) \($0.policy) \($0.temperature) \($0.seed) \($0.repetition)"
    }
    #expect(cells.values.allSatisfy { $0.count == 1 })
    #expect(fixture.target.openSequences == 0 && fixture.draft.openSequences == 0)
  }

  @Test func `The order of prompts and policies is drawn anew, the same for the same seed`() throws
  {
    let fixture = try ReportFixture(repeats: 3)
    let runs = try fixture.run().runs
    #expect(try fixture.run().runs.map(\.policy) == runs.map(\.policy))
    let blocks = stride(from: 0, to: runs.count, by: 5).map { runs[$0..<$0 + 5] }
    for block in blocks {
      #expect(Set(block.map(\.prompt)).count == 1)
      #expect(Set(block.map(\.policy)) == Set(fixture.header.policies))
    }
    #expect(Set(blocks.map { $0.map(\.policy) }).count > 6)
  }

  @Test func `Greedy text is plain decoding's, and the report says so`() throws {
    let fixture = try ReportFixture(repeats: 2)
    let summary = ReportFixture.summary(fixture.header, try fixture.run().runs)
    #expect(summary.identity == ReportSummary.Identity(compared: 32))
    #expect(
      ReportTables(header: fixture.header, summary: summary).identity
        == "Every answer that must be plain decoding's is, token for token: 32 of 32.")
  }

  @Test func `Coupled text is plain decoding's at any temperature, independent draws are free`()
    throws
  {
    let coupled = try ReportFixture(temperatures: [1], seeds: [4, 5], verification: .coupled)
    #expect(
      ReportFixture.summary(coupled.header, try coupled.run().runs).identity
        == ReportSummary.Identity(compared: 32))
    let token = try ReportFixture(temperatures: [1])
    #expect(
      ReportFixture.summary(token.header, try token.run().runs).identity
        == ReportSummary.Identity())
  }

  @Test func `What is cut off in the middle of a prompt is left out for all policies`() throws {
    let fixture = try ReportFixture()
    let (runs, isComplete) = try fixture.run(limit: 13)
    #expect(!isComplete && runs.count == 13)
    let summary = ReportFixture.summary(fixture.header, runs)
    #expect(summary.groups.map(\.prompts).reduce(0, +) == 2)
    for group in summary.groups {
      #expect(group.rows.map(\.policy) == fixture.header.policies)
      #expect(Set(group.rows.map(\.runs)).count == 1)
    }
    #expect(ReportFixture.summary(fixture.header, []).groups.isEmpty)
  }

  @Test func `The report of a run is the report of its log`() throws {
    let fixture = try ReportFixture(temperatures: [0, 0.7], repeats: 2)
    let runs = try fixture.run().runs
    let folder = try TemporaryFolder()
    let log = try LineWriter(path: folder.path + "/" + ReportFiles.logName)
    try log.append(ReportLog.firstLine(fixture.header))
    for run in runs { try log.append(ReportLog.encode(run)) }
    try log.complete()

    var found: [ReportRun] = []
    var header: ReportHeader?
    try ReportLog.read(path: folder.path) {
      header = $0
    } each: {
      found.append($0)
    }
    #expect(header == fixture.header)
    #expect(found == runs)
    let summary = ReportFixture.summary(fixture.header, runs)
    #expect(ReportFixture.summary(try #require(header), found) == summary)
    #expect(!summary.groups.isEmpty && !summary.verifyCosts.isEmpty)
  }

  @Test(
    "A log that is none names its line",
    arguments: [
      ("", "is empty"), ("{}\n", ":1: is no line"), ("no\n", ":1: is no line"),
      (#"{"prompt": 1}"# + "\n", ":1: is no line"),
    ])
  func badLogs(_ text: String, _ problem: String) throws {
    let folder = try TemporaryFolder()
    try folder.write("log", Array(text.utf8))
    let error = #expect(throws: CommandError.self) {
      try ReportLog.read(path: folder.path + "/log") { _ in
      } each: { _ in
      }
    }
    #expect(error?.status == Failure.badData)
    #expect(error?.description.contains(problem) == true)
  }

  @Test func `A run of a prompt that the header lacks is refused`() throws {
    let fixture = try ReportFixture()
    var run = try #require(try fixture.run(limit: 1).runs.first)
    run.prompt = 4
    let lines = [try ReportLog.firstLine(fixture.header), try ReportLog.encode(run)]
    let folder = try TemporaryFolder()
    try folder.write("log", lines.flatMap { $0 + [10] })
    let error = #expect(throws: CommandError.self) {
      try ReportLog.read(path: folder.path + "/log") { _ in
      } each: { _ in
      }
    }
    #expect(error?.description.contains("log:2: names a prompt") == true)
  }
}
