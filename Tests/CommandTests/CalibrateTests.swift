import Decoding
import Support
import Testing

@testable import foretoken

@Suite struct CalibrateTests {
  private let pair: TinyPair
  private var cache: String { pair.folder.path + "/cache" }

  init() throws { pair = try TinyPair() }

  private func run(_ arguments: String...) throws -> Program.Outcome {
    try CommandLineTool.run(
      arguments + ["-m", pair.target, "-md", pair.draft, "-t", "1"],
      environment: ["XDG_CACHE_HOME": cache])
  }

  private func calibrate(to path: String? = nil) throws -> Calibration {
    let place = path ?? pair.folder.path + "/calibration.json"
    let outcome = try run(
      "calibrate", "--contexts", "16,64", "--repeats", "2", "-o", place, "-q", "--json")
    try #require(outcome.status == 0, "\(outcome.errors)")
    let calibration = try Calibration(contentsOf: place)
    #expect(outcome.text == (try calibration.json))
    return calibration
  }

  @Test func `What is measured has a cost for every width and context, and says for what it holds`()
    throws
  {
    let calibration = try calibrate()
    #expect(calibration.costs.contexts == [16, 64])
    #expect(calibration.costs.widest == 25)
    #expect(calibration.costs.draftStep.allSatisfy { $0 > 0 })
    #expect(calibration.costs.overhead > 0)
    #expect(calibration.machine.threads == 1 && !calibration.isBrief)
    #expect(calibration.differences(from: calibration) == [])
    var other = calibration
    other.machine.processor = "another"
    other.draft.fingerprint = "another"
    #expect(
      other.differences(from: calibration) == [
        "the processor was another, now it is \(calibration.machine.processor)",
        "the draft has changed",
      ])
  }

  @Test func `A kept calibration is used; one of other weights is told and measured anew`() throws {
    let made = try run("calibrate", "--contexts", "16", "--repeats", "1")
    #expect(made.errors.contains("calibration: \(cache)/foretoken/calibration-"))
    #expect(made.text.contains("draft step: "))
    func generate() throws -> String {
      try run("generate", "hello", "-n", "4", "--draft-policy", "cost-aware").errors
    }
    #expect(try generate() == "")
    _ = try TinyModel(context: 512, noise: 0.3).write("draft", in: pair.folder)
    #expect(try generate().contains("stale calibration: the draft has changed"))
    // It was measured briefly and kept.
    #expect(try generate() == "")
  }

  @Test func `A calibration beside the draft is found; a file of another machine is used and told`()
    throws
  {
    var calibration = try calibrate(to: pair.draft + "/" + CalibrationStore.fileName)
    let named = pair.folder.path + "/named.json"
    calibration.machine.kernels = "others"
    try calibration.write(to: named)
    let usual = try run("generate", "hello", "-n", "4", "--draft-policy", "goodput")
    #expect(usual.status == 0 && usual.errors == "")
    let other = try run(
      "generate", "hello", "-n", "4", "--draft-policy", "goodput", "--calibration", named)
    #expect(other.status == 0)
    #expect(other.errors.contains("the kernels was others, now"))
    #expect(other.text == usual.text)
  }

  @Test(
    "What is no calibration is refused with its place",
    arguments: [
      ("{", "is no calibration"), (#"{"schema_version": 1}"#, "is no calibration"),
      (#""contexts" : [16,64]"#, #""contexts" : [64,16]"#),
      (#""overhead""#, #""head""#), ("\"draft_step\" : [", "\"draft_step\" : [-1,"),
    ])
  func refused(_ original: String, _ replacement: String) throws {
    let path = pair.folder.path + "/wrong.json"
    var calibration = try calibrate()
    calibration.costs = CostModel(
      contexts: [16, 64], draftStep: [1, 2], verify: [[1, 2], [2, 3]])
    let text = try calibration.json.filter { !$0.isNewline }.replacing("  ", with: "")
    let changed =
      replacement.hasPrefix("\"") ? text.replacing(original, with: replacement) : original
    #expect(changed != text)
    try pair.folder.write("wrong.json", Array(changed.utf8))
    let outcome = try run(
      "generate", "hello", "-n", "4", "--draft-policy", "goodput", "--calibration", path)
    #expect(outcome.status == 65)
    #expect(outcome.errors.contains("\(path): is no calibration"))
  }
}
