import FoundationEssentials
import Serving
import Workload

/// Prints a line for each run as it is done.
struct ReplayTable {
  let json: Bool
  let objective: ServiceSummary.Objective
  let seed: UInt64
  private var isFirst = true

  init(json: Bool, objective: ServiceSummary.Objective, seed: UInt64) {
    self.json = json
    self.objective = objective
    self.seed = seed
  }

  mutating func show(
    _ header: RunLogHeader, _ metrics: ServiceMetrics, endpoint: EndpointTally? = nil
  ) throws {
    let summary = ServiceSummary(
      metrics, model: header.model, tokenBudget: header.tokenBudget, objective: objective)
    let interval = BlockBootstrap(seed: seed).interval(metrics.finished.map(\.latency)) {
      $0.reduce(0, +) / Double($0.count)
    }
    var result = ReplayResult(header.policy, header.predictor, summary, interval)
    result.endpoint = endpoint.map { EndpointResult($0) }
    if json {
      try StandardOutput.write(Self.json(result) + "\n")
    } else {
      if isFirst { try StandardOutput.write(ReplayResult.header + "\n") }
      try StandardOutput.write(result.row + "\n")
    }
    isFirst = false
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
  var drafted, accepted, peakBlocks, reusedTokens: Int
  var prefixHitRate: Double
  /// Of a run against a server.
  var endpoint: EndpointResult?

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
    reusedTokens = summary.totals.reusedTokens
    prefixHitRate = summary.totals.prefixHitRate
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
