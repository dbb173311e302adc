/// Step times out of a server's request log, which says when each request was queued, gave its first
/// and its last token, and nothing about steps.
///
/// Between a request's first and last token lie whole steps, its own decodes and everybody's prompts,
/// so that the time between is the sum of their features times the coefficients; and so do they
/// between the moment at which a step was first planned with it and its first token. What the steps
/// were is found by replaying the log with the coefficients of the round before: replay, regress,
/// repeat, until the replay stops changing.
package struct RequestLogFit: Sendable {
  /// A request with the moments that its server recorded.
  package struct Observation: Equatable, Sendable {
    package var request: Request
    /// When a step was first planned with it, if the log says so.
    package var scheduled: Time?
    package var firstToken: Time
    package var lastToken: Time

    package init(
      request: Request, scheduled: Time? = nil, firstToken: Time, lastToken: Time
    ) {
      self.request = request
      self.scheduled = scheduled
      self.firstToken = firstToken
      self.lastToken = lastToken
    }
  }

  /// How much the few steps before the first token count against the many after it: who shares a
  /// step differs between the replay and the run, which a short time feels and a long one does not.
  private static let prefillWeight = 0.02

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
        observer: FeatureSpans(
          knees: knees, count: log.count, isPipelined: configuration.isPipelined))
      try simulation.run()
      let spans = simulation.observer
      var rows = LeastSquares(columns: 5 + knees.count)
      var (replayed, logged) = (0.0, 0.0)
      for (index, observed) in log.enumerated() where isFitted(index) {
        let decode = (observed.lastToken - observed.firstToken).seconds
        if let span = spans.decode[index], decode > 0 {
          rows.add(span, value: decode, weight: 1 / decode)
        }
        if let span = spans.prefill[index], let scheduled = observed.scheduled {
          let prefill = (observed.firstToken - scheduled).seconds
          if prefill > 0 { rows.add(span, value: prefill, weight: Self.prefillWeight / prefill) }
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
  /// From the first token to the last.
  var decode: [[Double]?]
  /// From when a step was first planned with it to the first token; nil where it lost its place
  /// between the two.
  var prefill: [[Double]?]
  var latency: [Double]
  private let isPipelined: Bool
  private var totals: StepFeatures
  /// Without the last step.
  private var before: StepFeatures
  private var lastEnd = Time.zero
  private var planned: [StepFeatures?]
  private var marks: [StepFeatures?]
  private var arrivals: [Time]

  init(knees: [Int], count: Int, isPipelined: Bool) {
    self.isPipelined = isPipelined
    totals = StepFeatures(knees: knees)
    before = totals
    decode = Array(repeating: nil, count: count)
    prefill = decode
    latency = Array(repeating: 0, count: count)
    planned = Array(repeating: nil, count: count)
    marks = planned
    arrivals = Array(repeating: .zero, count: count)
  }

  mutating func observe(_ run: StepRun) {
    before = totals
    if run.count > 1 { before.add(run.shape, count: run.count - 1) }
    totals.add(run.shape, count: run.count)
    lastEnd = run.end
  }

  mutating func observe(_ event: SchedulerEvent) {
    let index = event.request
    switch event.kind {
    case .arrived: arrivals[index] = event.time
    case .admitted:
      // A pipelined engine plans a step when the one before it begins.
      planned[index] = isPipelined && lastEnd == event.time ? before : totals
    case .preempted: planned[index] = nil
    case .firstToken:
      prefill[index] = planned[index].map(totals.since)
      marks[index] = totals
    case .finished:
      decode[index] = marks[index].map(totals.since)
      latency[index] = (event.time - arrivals[index]).seconds
    case .rejected, .resumed, .cancelled: break
    }
  }
}
