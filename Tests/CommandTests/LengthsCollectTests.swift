import Decoding
import FoundationEssentials
import Support
import Testing
import Transformer
import Workload

@testable import foretoken

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

@Suite struct LengthsCollectTests {
  private let pair: TinyPair
  private let prompts: String
  private var folder: String { pair.folder.path }
  private static let count = 12

  init() throws {
    pair = try TinyPair()
    prompts = pair.folder.path + "/prompts.jsonl"
    let lines = (0..<Self.count).map { "{\"prompt\": \"say \($0) words\", \"source\": \"tiny\"}\n" }
    try TextFile.write(lines.joined(), to: prompts)
  }

  private func arguments(_ output: String, _ more: [String]) -> [String] {
    ["lengths", "collect", prompts, "-o", output, "-m", pair.target, "-t", "1", "--draws", "4"]
      + ["-n", "60", "--raw", "--temperature", "9", "--top-k", "0"] + more
  }

  /// The rows but for the time that they took.
  private func rows(_ path: String) throws -> [LengthRow] {
    var reader = LengthRowReader(try FileBytes(path: path), name: path)
    return try reader.rest().map { row in
      var row = row
      row.generationTime = nil
      return row
    }
  }

  private func collected(_ name: String, _ more: String...) throws -> [LengthRow] {
    let path = folder + "/" + name
    let outcome = try CommandLineTool.run(arguments(path, more))
    try #require(outcome.status == 0, "\(outcome.errors)")
    #expect(!FileManager.default.fileExists(atPath: path + ".partial"))
    return try rows(path)
  }

  @Test func `Rows follow from their lengths, and do not depend on the batch or the form`() throws {
    let rows = try collected("rows.jsonl", "--text")
    #expect(rows.count == Self.count)
    for row in rows {
      #expect(row.inconsistentKey() == nil)
      #expect(row.outputSizes.count == 4 && row.outputSizes.allSatisfy { 1...61 ~= $0 })
      #expect(row.dataset == "tiny" && row.model == "target" && row.longestResponse != nil)
    }
    #expect(Set(rows.map(\.outputSizes)).count > 1)
    #expect(try collected("one.jsonl", "--text", "--batch", "1") == rows)
    #expect(try collected("array.json", "--text", "--batch", "5", "--array") == rows)
    #expect(try collected("other.jsonl", "--text", "--seed", "2") != rows)
  }

  @Test func `A run that was cut off anywhere goes on to the same rows`() throws {
    let expected = try collected("whole.jsonl")
    let whole = Array(try String(contentsOfFile: folder + "/whole.jsonl", encoding: .utf8).utf8)
    for cut in stride(from: 0, to: whole.count, by: whole.count / 6) {
      try TextFile.write(Array(whole[..<cut]), to: folder + "/cut.jsonl.partial")
      #expect(try collected("cut.jsonl") == expected)
      try FileManager.default.removeItem(atPath: folder + "/cut.jsonl")
    }
  }

  @Test func `Killed again and again, it ends with the rows of an undisturbed run`() throws {
    let expected = try collected("calm.jsonl")
    let path = folder + "/killed.jsonl"
    var generator = SeededGenerator(seed: 1)
    for _ in 0..<8 where !FileManager.default.fileExists(atPath: path) {
      let program = try CommandLineTool.start(arguments(path, []))
      usleep(.random(in: 5_000...60_000, using: &generator))
      program.send(SIGKILL)
      _ = try program.finish()
    }
    if !FileManager.default.fileExists(atPath: path) { _ = try collected("killed.jsonl") }
    #expect(try rows(path) == expected)
  }

  @Test func `What is there is never overwritten, and another run's rows are not gone on with`()
    throws
  {
    _ = try collected("there.jsonl")
    let again = try CommandLineTool.run(arguments(folder + "/there.jsonl", []))
    #expect(again.status == 64 && again.errors.contains("there already"))
    try FileManager.default.copyItem(
      atPath: folder + "/there.jsonl", toPath: folder + "/mixed.jsonl.partial")
    let mixed = try CommandLineTool.run(
      arguments(folder + "/mixed.jsonl", ["--top-k", "7"]))
    #expect(mixed.status == 65 && mixed.errors.contains("mixed.jsonl.partial:1: "))
    try TextFile.write("{\"no\": \"row\"}\n", to: folder + "/bad.jsonl.partial")
    let bad = try CommandLineTool.run(arguments(folder + "/bad.jsonl", []))
    #expect(bad.status == 65 && bad.errors.contains("bad.jsonl.partial"))
    #expect(try CommandLineTool.run(arguments("/nowhere/rows.jsonl", [])).status == 74)
  }

  @Test func `Hidden states come with the rows, and a predictor is trained on them`() throws {
    let lines = (0..<160).map { "{\"prompt\": \"say \($0) words\", \"source\": \"tiny\"}\n" }
    try TextFile.write(lines.joined(), to: prompts)
    let (path, states) = (folder + "/rows.jsonl", folder + "/states")
    let more = ["--text", "--states", states, "--state-interval", "8"]
    let outcome = try CommandLineTool.run(arguments(path, more))
    try #require(outcome.status == 0, "\(outcome.errors)")
    let rows = try rows(path)
    let whole = try rows.map { row in
      try AnswerStateFile(
        contentsOf: "\(states)/\(row.sampleID).safetensors.zst", answers: 4, width: nil)
    }
    for (row, file) in zip(rows, whole) {
      #expect(file.answers[0].first?.generated == 0)
      for (size, own) in zip(row.outputSizes, file.answers) {
        let later = own.filter { $0.generated > 0 }.map(\.generated)
        #expect(later == Array(stride(from: 8, to: min(size, 60), by: 8)))
      }
    }
    // States do not depend on the batch.
    let again = folder + "/again"
    let single = ["--text", "--states", again, "--state-interval", "8", "--batch", "1"]
    #expect(try CommandLineTool.run(arguments(folder + "/one.jsonl", single)).status == 0)
    for (row, file) in zip(rows, whole) {
      let name = "\(again)/\(row.sampleID).safetensors.zst"
      #expect(try AnswerStateFile(contentsOf: name, answers: 4, width: nil) == file)
    }
    let predictor = folder + "/states.safetensors.zst"
    let trained = try CommandLineTool.run([
      "lengths", "train", path, "--states", states, "-o", predictor, "--folds", "2", "--networks",
      "1",
    ])
    #expect(trained.text.contains("trained on 160 prompts"), "\(trained.errors)")
    #expect(try StateLengthFile.read(predictor).width > 0)
    let scored = try CommandLineTool.run([
      "lengths", "evaluate", path, "--states", states, "--folds", "2", "--networks", "1",
      "--epochs", "1", "--bucket-bits", "6", "--resamples", "20", "--format", "json",
    ])
    #expect(scored.status == 0 && scored.text.contains("\"by_generated\""), "\(scored.errors)")
    try TextFile.write("no file", to: "\(states)/\(rows[0].sampleID).safetensors.zst")
    let broken = try CommandLineTool.run([
      "lengths", "train", path, "--states", states, "-o", predictor,
    ])
    #expect(broken.status == 65 && broken.errors.contains(rows[0].sampleID))
  }
}
