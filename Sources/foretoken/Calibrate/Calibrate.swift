import ArgumentParser
import Decoding
import Reporting
import Serving
import Transformer

/// `foretoken calibrate`: what steps cost on this machine.
struct Calibrate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure what draft steps and verifications cost on this machine, for this pair.",
    discussion: """
      Measures the target's forward over n tokens, V(n), the draft's step and the heads, at several \
      lengths of context, and keeps the table in the user's cache ($XDG_CACHE_HOME/foretoken), where \
      generate and report look for it. One of another processor, of other weights or of another \
      version is not used, and they say so.

      Exit codes: 0 done; 64 usage; 65 bad model; 66 missing file; 74 input/output.
      """)

  @OptionGroup(title: "Models") var model: ModelOptions
  @Option(
    help: ArgumentHelp(
      "Trained heads. (default: \(Head.fileName) in the draft's folder, if it is there)",
      valueName: "file"))
  var heads: String?
  @Option(
    help: ArgumentHelp(
      "Tokens in the cache at which to measure.", valueName: "list"))
  var contexts = LengthList(values: CostMeasurement().contexts)
  @Option(help: "Measurements of each; their median counts.")
  var repeats = CostMeasurement().repeats
  @Flag(help: "Measure batches too, for \"foretoken replay --calibration\".")
  var batches = false
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Write it here; as \(CalibrationStore.fileName) in the draft's folder it is found, too. "
        + "(default: the user's cache)", valueName: "file"))
  var output: String?
  @Flag(help: "Print what is written, as JSON.")
  var json = false
  @OptionGroup var verbosity: VerbosityFlags

  func validate() throws {
    guard 1...1000 ~= repeats else { throw ValidationError("--repeats takes 1 to 1000") }
  }

  func run() throws {
    try Failure.reported {
      StandardOutput.ignoreBrokenPipes()
      guard model.draftPath != nil else {
        throw CommandError(Failure.usage, "costs are a pair's: name a draft with --draft-model")
      }
      let pair = try Pair(model, drafting: true, verbosity)
      let store = try CalibrationStore(pair, verbosity)
      var measurement = CostMeasurement()
      measurement.contexts = contexts.values
      measurement.repeats = repeats
      var calibration = try store.measure(measurement, heads: try pair.heads(heads)?.heads)
      if batches { calibration.steps = try store.measureSteps(StepMeasurement()) }
      var place = output
      if let output { try calibration.write(to: output) } else { place = store.keep(calibration) }
      try StandardOutput.write(json ? calibration.json : Self.text(calibration))
      verbosity.say(
        place.map { "calibration: \($0)" }
          ?? "calibration: not kept, the user's cache cannot be written; name a file with --output")
    }
  }

  /// V(n) at each context, and the other costs below.
  private static func text(_ calibration: Calibration) -> String {
    let costs = calibration.costs
    var columns = [Table.Column("n", key: "n", .number(.fixed(0)))]
    for context in costs.contexts {
      columns.append(
        Table.Column("V(n) ms at \(context)", key: "v_ms_at_\(context)", .number(.fixed(2))))
    }
    columns.append(Table.Column("V(n) / V(1)", key: "ratio", .number(.fixed(2))))
    let rows = (1...costs.widest).map { tokens -> [Table.Value] in
      [.count(tokens)] + costs.verify.map { .number(1000 * $0[tokens - 1]) }
        + [.number(costs.verify[0][tokens - 1] / costs.verify[0][0])]
    }
    let steps = zip(costs.contexts, costs.draftStep).map {
      "\(threeDigits(1000 * $1)) ms at \($0)"
    }
    return """
      \(calibration.machine)
      target as \(calibration.target.dtype), draft as \(calibration.draft.dtype)

      \(Table(columns: columns, rows: rows).text)
      draft step: \(steps.joined(separator: ", ")); \(threeDigits(1000 * costs.draftStart)) ms more \
      for the first of a round
      heads: \(threeDigits(1e6 * costs.head)) us a candidate
      overhead: \(threeDigits(1e6 * costs.overhead)) us a round

      """
  }
}

/// `64,256,768`
struct LengthList: ExpressibleByArgument {
  var values: [Int]

  init(values: [Int]) { self.values = values }

  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
    let lengths = parts.compactMap { Int($0) }
    guard lengths.count == parts.count, lengths.allSatisfy({ 1...1 << 20 ~= $0 }) else {
      return nil
    }
    values = Set(lengths).sorted()
  }

  var defaultValueDescription: String { values.map(\.description).joined(separator: ",") }
}
