import ArgumentParser
import FoundationEssentials
import Workload

/// What a policy would have made of a trace.
struct Replay: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Replay a request trace through the scheduler on a virtual clock.")

  enum Predictor: String, ExpressibleByArgument, CaseIterable {
    case none, group, noise, oracle
  }

  @OptionGroup var trace: TraceFlags
  @OptionGroup(title: "Engine") var engine: SchedulerFlags
  @Option(
    parsing: .upToNextOption,
    help: "Policies to compare: \(PolicyTable.orderings.map(\.name).joined(separator: ", ")).")
  var policy = ["fcfs"]
  @Option(help: "Who predicts lengths: none, group (recent lengths), noise (of --tau), oracle.")
  var predictor = Predictor.none
  @Option(help: "Kendall's tau of the noise model.")
  var tau = 0.6
  @Option(help: "Seconds to the first token that are good enough.")
  var sloTtft = 1.0
  @Option(help: "Milliseconds a token that are good enough.")
  var sloTpot = 100.0
  @Option var seed: UInt64 = 0
  @Flag(help: "Print a JSON object for each policy instead of a table.")
  var json = false

  func run() throws {
    try Failure.reported {
      let times = try StepTimeModel(parsing: engine.stepTimes)
      var isFirst = true
      for name in policy {
        let (summary, interval) = try replay(name, times)
        if json {
          print(try Self.json(ReplayResult(name, predictor.rawValue, summary, interval)))
        } else {
          if isFirst { print(ReplayResult.header) }
          print(ReplayResult(name, predictor.rawValue, summary, interval).row)
        }
        isFirst = false
      }
    }
  }

  private func replay(
    _ name: String, _ times: StepTimeModel
  ) throws -> (ServiceSummary, ClosedRange<Double>?) {
    let speculation = try engine.speculation(seed: seed)
    var simulation = try Simulation(
      engine.scheduler(policy: name, speculation: speculation), source: trace.open(seed: seed),
      predictor: lengthPredictor(), model: times, speculation: speculation,
      observer: ServiceMetrics())
    simulation.jitterSeed = seed
    try simulation.run()
    if name == policy.first, let remarks = TraceFlags.remarks(simulation.source) {
      StandardError.write(remarks + "\n")
    }
    let summary = ServiceSummary(
      simulation.observer, model: times, tokenBudget: engine.maxNumBatchedTokens,
      objective: .init(timeToFirstToken: sloTtft, timePerToken: sloTpot / 1e3))
    let interval = BlockBootstrap(seed: seed).interval(
      simulation.observer.finished.map(\.latency)
    ) { $0.reduce(0, +) / Double($0.count) }
    return (summary, interval)
  }

  private func lengthPredictor() throws -> any LengthPredictor {
    switch predictor {
    case .none: return NoPredictor()
    case .oracle: return OraclePredictor()
    case .group: return GroupQuantiles()
    case .noise:
      guard trace.trace != "-" else {
        throw CommandError(
          Failure.usage, "--predictor noise reads the trace twice, which stdin does not allow")
      }
      var source = try trace.open(seed: seed)
      return try NoisyPredictor(
        tau: tau, lengths: source.collect().map(\.outputLength), seed: seed)
    }
  }

  private static func json(_ result: ReplayResult) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return String(decoding: try encoder.encode(result), as: UTF8.self)
  }
}

/// One policy's line; its JSON has these names. Times are seconds.
struct ReplayResult: Encodable {
  struct Spread: Encodable {
    var mean, p50, p90, p95, p99: Double

    init(_ values: Percentiles) {
      mean = values.mean
      p50 = values.median
      p90 = values[0.9]
      p95 = values[0.95]
      p99 = values[0.99]
    }
  }

  var policy: String
  var predictor: String
  var requests, finished, rejected, preemptions, wastedTokens, steps: Int
  var ttft, tpot, e2e, normalisedLatency, slowdown, wait: Spread
  var itlP50, itlP99: Double
  var e2eMeanLow, e2eMeanHigh: Double?
  var throughput, outputTokensPerSecond, attainment, goodput, fairness, starvation: Double
  var drafted, accepted, peakBlocks: Int

  init(
    _ policy: String, _ predictor: String, _ summary: ServiceSummary,
    _ interval: ClosedRange<Double>?
  ) {
    self.policy = policy
    self.predictor = predictor
    requests = summary.requests
    finished = summary.finished
    rejected = summary.rejected
    preemptions = summary.preemptions
    wastedTokens = summary.wastedTokens
    steps = summary.totals.steps
    ttft = Spread(summary.timeToFirstToken)
    tpot = Spread(summary.timePerToken)
    e2e = Spread(summary.latency)
    normalisedLatency = Spread(summary.normalisedLatency)
    slowdown = Spread(summary.slowdown)
    wait = Spread(summary.wait)
    itlP50 = summary.gaps[0.5]
    itlP99 = summary.gaps[0.99]
    e2eMeanLow = interval?.lowerBound
    e2eMeanHigh = interval?.upperBound
    throughput = summary.throughput
    outputTokensPerSecond = summary.outputTokensPerSecond
    attainment = summary.attainment
    goodput = summary.goodput
    fairness = summary.fairness
    starvation = summary.starvation
    drafted = summary.totals.drafted
    accepted = summary.totals.accepted
    peakBlocks = summary.totals.peakBlocks
  }

  private static let columns = [
    "policy", "done", "TTFT s", "p99", "TPOT ms", "p99", "E2E s", "95% of mean", "p99", "slowdown",
    "goodput/s", "preempted",
  ]
  static var header: String { aligned(columns) }

  /// Means, and the 99th percentile beside each.
  var row: String {
    var between = "-"
    if let e2eMeanLow, let e2eMeanHigh {
      between = "\(threeDigits(e2eMeanLow))-\(threeDigits(e2eMeanHigh))"
    }
    func shown(_ value: Double) -> String { value.isFinite ? threeDigits(value) : "-" }
    return Self.aligned([
      policy, "\(finished)", shown(ttft.mean), shown(ttft.p99), shown(tpot.mean * 1e3),
      shown(tpot.p99 * 1e3), shown(e2e.mean), between, shown(e2e.p99), shown(slowdown.mean),
      shown(goodput), "\(preemptions)",
    ])
  }

  private static func aligned(_ cells: [String]) -> String {
    cells.enumerated().map { index, cell in
      let width = index == 0 ? 14 : columns[index] == "95% of mean" ? 13 : 9
      let space = String(repeating: " ", count: max(0, width - cell.count))
      return index == 0 ? cell + space : space + cell
    }.joined(separator: " ")
  }
}
