import FoundationEssentials
import Support
import Testing

@testable import foretoken

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// `foretoken replay` and the logs that it writes and reads.
@Suite struct ReplayLogTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    let rows = (0..<40).map { "\(Double($0 / 2) * 0.01),\(3 + $0 * 7 % 50),\(1 + $0 * 11 % 30)" }
    try folder.write(
      "trace.csv",
      Array((["arrival_s,input_tokens,output_tokens"] + rows).joined(separator: "\n").utf8))
  }

  private func replay(_ arguments: String...) throws -> Program.Outcome {
    let outcome = try CommandLineTool.run(["replay"] + arguments)
    try #require(outcome.status == 0, "\(outcome.errors)")
    return outcome
  }

  private var trace: String { folder.path + "/trace.csv" }

  @Test("A log gives what its runs gave", arguments: ["log.jsonl", "log.jsonl.zst"])
  func log(_ name: String) throws {
    let path = "\(folder.path)/\(name)"
    let run = try replay(
      trace, "--policy", "fcfs", "srtf", "--predictor", "oracle", "--max-num-seqs", "4",
      "--num-gpu-blocks", "8", "--log", path, "--json")
    #expect(try replay("--from-log", path, "--json").text == run.text)
    #expect(run.text.contains("\"preemptions\":0,") == false)
    let bytes = try Data(contentsOf: URL(filePath: path))
    #expect(bytes.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) == name.hasSuffix(".zst"))
  }

  @Test func `A policy's name says who is admitted, a predictor's what it knows`() throws {
    func run(_ policy: String, _ predictor: String) throws -> JSONValue {
      let text = try replay(
        trace, "--policy", policy, "--predictor", predictor, "--num-gpu-blocks", "8", "--json"
      ).text
      return try JSONValue(parsing: text)
    }
    let packed = try run("sjf-work+packing", "oracle")
    #expect(packed["policy"].string == "sjf-work+packing" && packed["preemptions"].int == 0)
    #expect(try run("sjf-work", "oracle")["preemptions"].int ?? 0 > 0)
    for predictor in ["best-of-ten", "best-of-ten:0.9", "noise", "noise:0.9", "group"] {
      let outcome = try run("sjf", predictor)
      #expect(outcome["predictor"].string == predictor && outcome["finished"].int == 40)
    }
  }

  @Test func `A compressed log that is damaged or cut off is refused`() throws {
    let path = "\(folder.path)/log.jsonl.zst"
    _ = try replay(trace, "--log", path, "--json")
    let bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
    var damaged = bytes
    for place in bytes.count / 2..<bytes.count / 2 + 20 { damaged[place] ^= 0x5A }
    for (name, content, problem) in [
      ("short", Array(bytes.dropLast(bytes.count / 3)), "is cut off"),
      ("wrong", damaged, "damaged"), ("zipped", [0x1F, 0x8B, 8, 0], "is cut off at byte 4"),
    ] {
      try folder.write(name, content)
      let outcome = try CommandLineTool.run(["replay", "--from-log", "\(folder.path)/\(name)"])
      #expect(outcome.status == 65 && outcome.errors.contains(problem), "\(outcome.errors)")
      #expect(outcome.errors.contains(name) && outcome.text.isEmpty)
    }
  }

  @Test func `A viewer's trace is one JSON array, from a run and from its log`() throws {
    let (log, first, second) = ("\(folder.path)/l", "\(folder.path)/a", "\(folder.path)/b")
    _ = try replay(trace, "--log", log, "--chrome-trace", first)
    _ = try replay("--from-log", log, "--chrome-trace", second)
    let bytes = try Data(contentsOf: URL(filePath: first))
    #expect(try Data(contentsOf: URL(filePath: second)) == bytes)
    #expect(try JSONValue(parsing: String(decoding: bytes, as: UTF8.self)).count ?? 0 > 80)
  }

  @Test func `Ctrl-C leaves what was measured live, while nothing runs too`() throws {
    let pair = try TinyPair()
    let (rows, log) = ("\(folder.path)/rows.csv", "\(folder.path)/ended.jsonl")
    try folder.write("rows.csv", Array("arrival_s,input_tokens,output_tokens\n0,5,3\n4,5,3".utf8))
    let program = try CommandLineTool.start([
      "replay", rows, "--policy", "fcfs", "sjf", "--live", "-m", pair.target, "-t", "1",
      "--log", log, "--json", "-q",
    ])
    // The first policy's line: the second is under way, and has its second request in four seconds.
    #expect(try !program.read(upTo: 1).isEmpty)
    usleep(200_000)
    program.send(SIGINT)
    let outcome = try program.finish()
    #expect(outcome.status == 130, "\(outcome.errors)")
    let again = try replay("--from-log", log, "--json").text.split(separator: "\n")
    let finished = try again.map { try JSONValue(parsing: $0)["finished"].int }
    #expect(finished.count == 2 && finished[0] == 2 && finished[1] ?? 2 < 2)
    #expect(outcome.text.hasSuffix(again[1] + "\n"))
  }

  @Test func `A live run keeps a log, to which step times are fitted`() throws {
    let pair = try TinyPair()
    let (log, other) = ("\(folder.path)/live.jsonl", "\(folder.path)/simulated.jsonl")
    let live = try replay(
      trace, "--live", "-m", pair.target, "-t", "1", "--log", log, "--json", "-q")
    #expect(try JSONValue(parsing: live.text)["finished"].int == 40)
    #expect(try replay("--from-log", log, "--json").text == live.text)
    let simulated = try replay(trace, "--calibration", log, "--log", other, "--json")
    #expect(try JSONValue(parsing: simulated.text)["finished"].int == 40)
    let header = try String(contentsOf: URL(filePath: log), encoding: .utf8).prefix { $0 != "\n" }
    #expect(header.contains("\"clock\":\"wall\""))
  }

  @Test
  func `Live answers to prompts end where the model ends them, under any policy, drafts or not`()
    throws
  {
    let pair = try TinyPair()
    try folder.write("prompts.jsonl", "{\"prompt\":\"the thin\"}\n{\"text\":\"and in\"}\n".utf8)
    func lengths(_ arguments: [String]) throws -> [Int: Int] {
      let log = "\(folder.path)/answers.jsonl"
      let outcome = try CommandLineTool.run(
        [
          "replay", trace, "--live", "--prompts", "\(folder.path)/prompts.jsonl", "-m", pair.target,
          "-md", pair.draft, "-t", "1", "--max-tokens", "12", "--log", log, "-q",
        ] + arguments)
      try #require(outcome.status == 0, "\(outcome.errors)")
      var lengths: [Int: Int] = [:]
      for line in try String(contentsOf: URL(filePath: log), encoding: .utf8).split(separator: "\n")
      {
        let event = try JSONValue(parsing: line)
        if event["event"].string == "finish", let tokens = event["tokens"].int {
          lengths[event["request"].int ?? 0] = tokens
        }
      }
      return lengths
    }
    let plain = try lengths(["--max-num-seqs", "2"])
    #expect(plain.count == 40 && plain.values.allSatisfy { 1...12 ~= $0 })
    #expect(
      try lengths([
        "--max-num-seqs", "4", "--num-gpu-blocks", "12", "--policy", "srtf", "--predictor",
        "oracle", "--speculate", "2",
      ]) == plain)
  }

  @Test func `Steps of a calibration become step times`() throws {
    let pair = try TinyPair()
    let path = "\(folder.path)/calibration.json"
    let made = try CommandLineTool.run([
      "calibrate", "--batches", "--contexts", "16", "--repeats", "1", "-m", pair.target, "-md",
      pair.draft, "-t", "1", "-o", path, "-q",
    ])
    try #require(made.status == 0, "\(made.errors)")
    let run = try replay(trace, "--calibration", path, "--jitter", "--json")
    #expect(try JSONValue(parsing: run.text)["finished"].int == 40)
  }

  @Test(
    "What cannot be is told",
    arguments: [
      (["--from-log", "trace.csv"], 65 as Int32, "not a JSON object"),
      (["--from-log", "nowhere"], 66, "nowhere"),
      (["trace.csv", "--calibration", "trace.csv"], 65, "no line of a request log"),
      (["trace.csv", "--live", "--from-log", "x"], 64, "exclude each other"),
      (["trace.csv", "--state-predictor", "x"], 64, "--live with --prompts"),
      (["trace.csv", "--predictor", "clairvoyant"], 64, "known are none, group"),
      (["trace.csv", "--predictor", "a/file"], 64, "--prompts"),
      (["trace.csv", "--live", "--speculate", "best"], 64, "needs --calibration"),
      (["trace.csv", "--policy", "fcfs", "sjf", "--chrome-trace", "x"], 64, "one policy"),
    ])
  func wrong(_ arguments: [String], _ status: Int32, _ problem: String) throws {
    let outcome = try CommandLineTool.run(
      ["replay"]
        + arguments.map {
          ["trace.csv", "nowhere", "x"].contains($0) ? "\(folder.path)/\($0)" : $0
        })
    #expect(outcome.status == status && outcome.errors.contains(problem), "\(outcome.errors)")
  }
}
