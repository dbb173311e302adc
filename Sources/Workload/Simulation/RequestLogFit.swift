/// Step times out of a server's request log, which says when each request was queued, gave its first
/// and its last token, and nothing about steps.
///
/// Between a request's first and last token lie whole steps, its own decodes and everybody's prompts,
/// so that the time between is the sum of their features times the coefficients. What the steps were
/// is found by replaying the log with the coefficients of the round before: replay, regress, repeat,
/// until the replay stops changing. (The time to the first token is left out: it also holds what
/// was left of the step that ran when the request came.)
package struct RequestLogFit: Sendable {
  /// A request with the moments that its server recorded.
  package struct Observation: Equatable, Sendable {
    package var request: Request
    package var firstToken: Time
    package var lastToken: Time

    package init(request: Request, firstToken: Time, lastToken: Time) {
      self.request = request
      self.firstToken = firstToken
      self.lastToken = lastToken
    }
  }

  package let model: StepTimeModel
  /// Mean latency of the replay over that of the log, round by round, on the fitted requests.
  package let convergence: [Double]

  /// - Parameters:
  ///   - log: every request of the run, in order of arrival: all of them load the engine.
  ///   - isFitted: whether a request's moments may be looked at.
  ///   - start: coefficients to begin with; any that are of the right order.
  /// - Throws: what the scheduler throws, and `.underdetermined`.
  package init(
    _ log: [Observation], isFitted: (Int) -> Bool = { _ in true },
    configuration: SchedulerConfiguration, start: StepTimeModel, knees: [Int] = [],
    rounds: Int = 12
  ) throws(WorkloadError) {
    var current = start
    var ratios: [Double] = []
    for round in 0..<rounds {
      var simulation = try Simulation(
        Scheduler(configuration), source: ListedRequests(log.map(\.request)), model: current,
        observer: FeatureSpans(knees: knees, count: log.count))
      try simulation.run()
      let spans = simulation.observer
      var rows = LeastSquares(columns: 5 + knees.count)
      var (replayed, logged) = (0.0, 0.0)
      for (index, observed) in log.enumerated() where isFitted(index) {
        let decode = (observed.lastToken - observed.firstToken).seconds
        if let span = spans.decode[index], decode > 0 {
          rows.add(span, value: decode, weight: 1 / decode)
        }
        replayed += spans.latency[index]
        logged += (observed.lastToken - observed.request.arrival).seconds
      }
      ratios.append(replayed / logged)
      let next = StepTimeModel(coefficients: try rows.solveNonnegative(), knees: knees)
      // Half way only, at first: the steps change with the coefficients.
      current = round == 0 ? next : Self.mean(current, next)
    }
    model = current
    convergence = ratios
  }

  private static func mean(_ first: StepTimeModel, _ second: StepTimeModel) -> StepTimeModel {
    func middle(_ path: KeyPath<StepTimeModel, Time>) -> Double {
      (first[keyPath: path].seconds + second[keyPath: path].seconds) / 2
    }
    var mean = StepTimeModel(
      overhead: middle(\.overhead), prefillToken: middle(\.prefillToken),
      prefillContext: middle(\.prefillContext), decode: middle(\.decode),
      decodeContext: middle(\.decodeContext))
    for tokens in Set((first.knees + second.knees).map(\.tokens)).sorted() {
      func slope(_ model: StepTimeModel) -> Double {
        model.knees.first { $0.tokens == tokens }?.slope.seconds ?? 0
      }
      mean.knees.append(
        .init(tokens: tokens, slope: Time(seconds: (slope(first) + slope(second)) / 2)))
    }
    return mean
  }
}

/// Sums of step features between each request's moments.
private struct FeatureSpans: SimulationObserver {
  var decode: [[Double]?]
  var latency: [Double]
  private var totals: StepFeatures
  private var marks: [StepFeatures?]
  private var arrivals: [Time]

  init(knees: [Int], count: Int) {
    totals = StepFeatures(knees: knees)
    decode = Array(repeating: nil, count: count)
    latency = Array(repeating: 0, count: count)
    marks = Array(repeating: nil, count: count)
    arrivals = Array(repeating: .zero, count: count)
  }

  mutating func observe(_ run: StepRun) { totals.add(run.shape, count: run.count) }

  mutating func observe(_ event: SchedulerEvent) {
    let index = event.request
    switch event.kind {
    case .arrived: arrivals[index] = event.time
    case .firstToken: marks[index] = totals
    case .finished:
      decode[index] = marks[index].map(totals.since)
      latency[index] = (event.time - arrivals[index]).seconds
    case .rejected, .admitted, .resumed, .preempted, .cancelled: break
    }
  }
}
