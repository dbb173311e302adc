/// The metrics of a run that a table shows, in the field's names and units.
package struct ServiceSummary: Sendable {
  /// What an answer must keep to count as good.
  package struct Objective: Equatable, Sendable {
    /// Seconds to the first token.
    package var timeToFirstToken: Double
    /// Seconds per token after it.
    package var timePerToken: Double

    package init(timeToFirstToken: Double, timePerToken: Double) {
      self.timeToFirstToken = timeToFirstToken
      self.timePerToken = timePerToken
    }

    package func isMet(by record: RequestRecord) -> Bool {
      record.ending == .finished && record.timeToFirstToken <= timeToFirstToken
        && (record.outputLength < 2 || record.timePerToken <= timePerToken)
    }
  }

  /// Seconds over answered requests.
  package let timeToFirstToken: Percentiles
  package let timePerToken: Percentiles
  package let latency: Percentiles
  package let normalisedLatency: Percentiles
  package let wait: Percentiles
  /// Latency over that of the same request with the engine to itself, at least 1; empty where its
  /// step times are not known.
  package let slowdown: Percentiles
  /// Seconds, over tokens.
  package let gaps: GapHistogram

  package let requests: Int
  package let finished: Int
  package let rejected: Int
  /// From the first arrival to the last token, seconds.
  package let makespan: Double
  package let outputTokens: Int
  package let inputTokens: Int
  package let preemptions: Int
  package let wastedTokens: Int
  package let totals: StepTotals
  /// Share of requests that met the objective, and how many of them a second.
  package let attainment: Double
  package let goodput: Double
  /// Jain's index of mean slowdown over clients: 1 is even.
  package let fairness: Double
  /// The mean wait of each tenth of the requests by answer length, shortest first, seconds.
  package let waitByDecile: [Double]

  /// - Parameters:
  ///   - model: what the same request would have taken alone; `StepTimeModel()` if nobody knows.
  ///   - tokenBudget: of the scheduler, for its prompt alone.
  package init(
    _ metrics: ServiceMetrics, model: StepTimeModel, tokenBudget: Int,
    objective: Objective = Objective(timeToFirstToken: 1, timePerToken: 0.1)
  ) {
    let done = metrics.finished
    timeToFirstToken = Percentiles(done.map(\.timeToFirstToken))
    timePerToken = Percentiles(done.map(\.timePerToken).filter { !$0.isNaN })
    latency = Percentiles(done.map(\.latency))
    normalisedLatency = Percentiles(done.map(\.normalisedLatency))
    wait = Percentiles(done.map(\.wait))
    let isKnown = model != StepTimeModel()
    func slow(_ record: RequestRecord) -> Double {
      guard isKnown else { return .nan }
      let alone = model.alone(
        input: Int(record.inputLength), output: Int(record.outputLength),
        tokenBudget: tokenBudget)
      return record.latency / alone.seconds
    }
    let slowdowns = done.map(slow)
    slowdown = Percentiles(slowdowns.filter { !$0.isNaN })
    gaps = metrics.gaps
    requests = metrics.records.count
    finished = done.count
    rejected = metrics.records.count { $0.ending == .rejected }
    let start = metrics.records.first?.arrival ?? .zero
    makespan = ((done.map(\.end).max() ?? start) - start).seconds
    outputTokens = done.reduce(0) { $0 + Int($1.outputLength) }
    inputTokens = done.reduce(0) { $0 + Int($1.inputLength) }
    preemptions = metrics.records.reduce(0) { $0 + Int($1.preemptions) }
    wastedTokens = metrics.records.reduce(0) { $0 + Int($1.wasted) }
    totals = metrics.totals
    let good = metrics.records.count(where: objective.isMet)
    attainment = requests == 0 ? .nan : Double(good) / Double(requests)
    goodput = makespan > 0 ? Double(good) / makespan : .nan
    fairness = Self.jain(slowdowns, by: done.map { Int($0.client) })
    waitByDecile = Self.deciles(done)
  }

  /// Requests answered per second of the makespan.
  package var throughput: Double { makespan > 0 ? Double(finished) / makespan : .nan }
  package var outputTokensPerSecond: Double {
    makespan > 0 ? Double(outputTokens) / makespan : .nan
  }

  /// How much longer the longest-waiting decile waits than all do: 1 is even.
  package var starvation: Double {
    wait.mean > 0 ? (waitByDecile.max() ?? .nan) / wait.mean : 1
  }

  /// (sum x)^2 / (n sum x^2) over the groups' means.
  private static func jain(_ values: [Double], by group: [Int]) -> Double {
    var sums: [Int: (sum: Double, count: Double)] = [:]
    for (value, group) in zip(values, group) {
      let old = sums[group] ?? (0, 0)
      sums[group] = (old.sum + value, old.count + 1)
    }
    // In the order of the groups: a sum of doubles must not depend on hashing.
    let means = sums.sorted { $0.key < $1.key }.map { $0.value.sum / $0.value.count }
    let sum = means.reduce(0, +)
    let squares = means.reduce(0) { $0 + $1 * $1 }
    return squares > 0 ? sum * sum / (Double(means.count) * squares) : .nan
  }

  private static func deciles(_ records: [RequestRecord]) -> [Double] {
    let order = records.indices.sorted {
      (records[$0].outputLength, $0) < (records[$1].outputLength, $1)
    }
    return (0..<10).map { tenth in
      let part = order[tenth * order.count / 10..<(tenth + 1) * order.count / 10]
      let sum = part.reduce(0) { $0 + records[$1].wait }
      return part.isEmpty ? .nan : sum / Double(part.count)
    }
  }
}
