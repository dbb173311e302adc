import ArgumentParser
import Decoding

/// Which policies are compared, and on what.
struct ComparisonFlags: ParsableArguments {
  @Option(
    name: [.long, .customShort("P")],
    help: ArgumentHelp("A policy, see above; may be given several times.", valueName: "policy"),
    transform: { try PolicyChoice(parsing: $0) })
  var policy: [PolicyChoice] = []
  @Option(
    help: ArgumentHelp("Also these fixed lengths: 0-8, or 1,2,4.", valueName: "lengths"))
  var fixed: FixedLengths?
  @Option(
    help: ArgumentHelp(
      "Set the others against this policy. (default: the fastest fixed length)",
      valueName: "policy"),
    transform: { try PolicyChoice(parsing: $0) })
  var against: PolicyChoice?

  @Option(
    name: [.customLong("temperature"), .customLong("temp")],
    help: ArgumentHelp("Temperatures: 0,0.6,1.", valueName: "list"))
  var temperatures = NumberList(values: [0])
  @Option(help: "Keep the k most likely tokens; 0 keeps all.")
  var topK = 0
  @Option(help: "Keep the most likely tokens that hold this much probability; 1 keeps all.")
  var topP = 1.0
  @Option(help: "Keep tokens at least this fraction as likely as the most likely; 0 keeps all.")
  var minP = 0.0
  @Option(
    help: ArgumentHelp(
      "Seeds of the random numbers, above temperature 0: 0,1,2.", valueName: "list"))
  var seeds = SeedList(values: [0])
  @Option(help: "Run everything so often; the median of the repeats counts.")
  var repeats = 3
  @Option(
    name: [.customLong("max-tokens"), .customShort("n")],
    help: "The most tokens of an answer. (default: 512; with --quick 48)")
  var maxTokens: Int?
  @Flag(help: "Go on past the tokens that end an answer.")
  var ignoreEos = false
  @Flag(help: "Give the model the prompts without its chat format.")
  var raw = false

  @Flag(help: "Fill the draft's weights at random: what a draft that knows nothing costs.")
  var randomDraft = false

  @Option(help: "How candidates are judged.")
  var verification = VerificationChoice.token
  @Option(
    help: ArgumentHelp(
      "Declare acceptance: of rounds that propose so many, the share that keeps at least 1, 2, ...",
      valueName: "p0,p1,..."))
  var syntheticAcceptanceRates: NumberList?
  @Option(
    help: ArgumentHelp(
      "Declare acceptance: mean tokens per round, the target's own included.", valueName: "tokens"))
  var syntheticAcceptanceLength: Double?

  func validate() throws {
    guard 1...1000 ~= repeats else { throw ValidationError("--repeats takes 1 to 1000") }
    guard maxTokens ?? 1 > 0 else { throw ValidationError("--max-tokens takes 1 or more") }
    if syntheticAcceptanceRates != nil, syntheticAcceptanceLength != nil {
      throw ValidationError(
        "--synthetic-acceptance-rates and --synthetic-acceptance-length exclude each other")
    }
    do {
      for temperature in temperatures.values {
        try settings(isQuick: false)
          .options(temperature: temperature, seed: 0, request: 0, endOfSequence: [])
          .sampling.validate()
      }
    } catch {
      throw ValidationError("\(error)")
    }
  }

  /// The policies without repetition, plain decoding first.
  ///
  /// - Parameter hasHead: whether there is SpecDec++'s head, which its policies need.
  func policies(isQuick: Bool, hasHead: Bool) throws(CommandError) -> [PolicyChoice] {
    var given = (fixed?.lengths.map(PolicyChoice.fixed) ?? []) + policy
    if given.isEmpty {
      let names = isQuick ? Self.quick : Self.usual + (hasHead ? Self.tuned : [])
      for name in names { given.append(try PolicyChoice(parsing: name)) }
    }
    var all = [PolicyChoice.plain]
    for choice in given + [against].compactMap({ $0 }) where !all.contains(choice) {
      all.append(choice)
    }
    return all
  }

  private static let usual =
    [1, 2, 3, 4, 5, 6, 8].map { "fixed:\($0)" } + [
      "hf-heuristic", "confidence", "adaedl", "svip", "product", "goodput", "bandit",
      "cost-aware-both", "cost-aware",
    ]

  private static let quick = ["fixed:2", "fixed:4", "confidence", "cost-aware"]

  /// SpecDec++'s threshold, swept: it has to be tuned, and so it is, where there is a head.
  private static let tuned = [0.1, 0.3, 0.5, 0.7, 0.9].map { "specdecpp:\($0)" }

  func settings(isQuick: Bool) throws(CommandError) -> ReportSettings {
    ReportSettings(
      temperatures: temperatures.values, topK: topK, topP: topP, minP: minP, seeds: seeds.values,
      repeats: repeats, maxTokens: maxTokens ?? (isQuick ? 48 : 512),
      ignoresEndOfSequence: ignoreEos, isRaw: raw, verification: verification,
      hasRandomDraft: randomDraft ? true : nil, synthetic: try synthetic(),
      reference: against?.description)
  }

  private func synthetic() throws(CommandError) -> SyntheticAcceptance? {
    if let rates = syntheticAcceptanceRates { return try SyntheticAcceptance(rates: rates.values) }
    if let length = syntheticAcceptanceLength { return try SyntheticAcceptance(length: length) }
    return nil
  }
}

/// `0,0.6,1`
struct NumberList: ExpressibleByArgument, CustomStringConvertible {
  var values: [Double]

  init(values: [Double]) { self.values = values }

  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
    values = parts.compactMap { Double($0) }.filter(\.isFinite)
    guard values.count == parts.count, !values.isEmpty else { return nil }
  }

  var description: String { values.map(ReportTables.number).joined(separator: ",") }
  var defaultValueDescription: String { description }
}

/// `0,1,2`
struct SeedList: ExpressibleByArgument, CustomStringConvertible {
  var values: [UInt64]

  init(values: [UInt64]) { self.values = values }

  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
    values = parts.compactMap { UInt64($0) }
    guard values.count == parts.count, !values.isEmpty, Set(values).count == values.count else {
      return nil
    }
  }

  var description: String { values.map(\.description).joined(separator: ",") }
  var defaultValueDescription: String { description }
}

/// `0-8`, or `1,2,4`
struct FixedLengths: ExpressibleByArgument {
  var lengths: [Int]

  init?(argument: String) {
    lengths = []
    for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
      guard 1...2 ~= ends.count, let first = ends[0], let last = ends.last ?? nil,
        0...64 ~= first, first...64 ~= last
      else { return nil }
      lengths += first...last
    }
  }
}
