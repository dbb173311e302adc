/// What computes steps in real time, and the clock that it does so by.
package protocol StepEngine {
  /// Since the run began.
  var now: Time { get }
  /// Returns when the clock has reached `time`, or later.
  mutating func wait(until time: Time)
  /// A request has come; nothing is computed yet.
  mutating func begin(_ request: Request) throws
  /// Computes what the scheduler has planned.
  ///
  /// - Returns: what came of every request that has no prompt left to compute, in the plan's order.
  mutating func run(_ plan: StepPlan, of scheduler: Scheduler) throws -> [StepResult]
  /// The request lost its place: what was computed of it is forgotten, what it has said is kept.
  mutating func evict(request: Int)
  /// The request is done.
  mutating func end(request: Int)
}

/// What a step made of one request.
package struct StepResult: Sendable {
  /// Tokens of the answer: 1, and one more for each draft that was accepted.
  package var tokens: Int
  package var isFinished: Bool
  /// Draft tokens that the step verified.
  package var drafted: Int
  /// What is believed of the answer's whole length from now on; nil where there is no news.
  package var prediction: LengthPrediction?

  package init(
    tokens: Int = 1, isFinished: Bool, drafted: Int = 0, prediction: LengthPrediction? = nil
  ) {
    self.tokens = tokens
    self.isFinished = isFinished
    self.drafted = drafted
    self.prediction = prediction
  }
}

/// The scheduler on an engine's own clock: requests come at their times, steps take as long as they
/// take, and the engine says when an answer has ended. Everything else is as in `Simulation`, and
/// the log is of the same form.
package struct LiveRun<Source: RequestSource, Engine: StepEngine, Observer: SimulationObserver> {
  package private(set) var scheduler: Scheduler
  package private(set) var source: Source
  package private(set) var predictor: any LengthPredictor
  package private(set) var engine: Engine
  package var observer: Observer { fold.observer }

  private var fold: RunLogFold<Observer>
  private var upcoming: Request?
  private var plan = StepPlan()
  /// Those that have come and are not done, by `Request.id`.
  private var requests: [Int: Request] = [:]

  /// - Throws: `.invalidSetting` for a scheduler that plans ahead.
  package init(
    _ scheduler: Scheduler, source: Source, predictor: any LengthPredictor = NoPredictor(),
    engine: Engine, observer: Observer
  ) throws(WorkloadError) {
    let configuration = scheduler.configuration
    guard !configuration.isPipelined, !configuration.cachesPrefixes else {
      throw WorkloadError(
        .invalidSetting, source: "live run",
        problem: "steps that are planned ahead and cached prefixes are only simulated")
    }
    self.scheduler = scheduler
    self.source = source
    self.predictor = predictor
    self.engine = engine
    fold = RunLogFold(observer)
  }

  /// After so long without work it is asked again whether somebody wants the run to stop.
  private static var longestWait: Time { Time(milliseconds: 100) }

  /// Runs until the source is empty and every request is done, or until somebody wants it to stop.
  ///
  /// - Parameter isStopped: asked before each step, and while it waits for requests.
  /// - Throws: what the source and the engine throw.
  package mutating func run(isStopped: () -> Bool = { false }) throws {
    upcoming = try source.next()
    while !isStopped() {
      let now = engine.now
      while let request = upcoming, request.arrival <= now {
        try submit(request)
        upcoming = try source.next()
      }
      scheduler.schedule(at: now, into: &plan)
      tell()
      if plan.isEmpty {
        guard scheduler.isIdle else { continue }
        guard let request = upcoming else { return }
        engine.wait(until: min(request.arrival, now + Self.longestWait))
        continue
      }
      try step(start: now)
    }
  }

  private mutating func submit(_ request: Request) throws {
    try engine.begin(request)
    requests[request.id] = request
    fold.add(.arrival(request))
    let prediction = predictor.prediction(for: request)
    _ = scheduler.submit(request, prediction: prediction, at: request.arrival)
    tell()
  }

  private mutating func step(start: Time) throws {
    let before = scheduler.pool.used
    let results = try engine.run(plan, of: scheduler)
    let end = engine.now
    var batch = scheduler.parts(of: plan)
    var (next, part) = (results.makeIterator(), 0)
    var news: [(slot: Int, prediction: LengthPrediction)] = []
    var (drafted, accepted) = (0, 0)
    scheduler.complete(plan, at: end) { slot, state in
      let result = next.next() ?? StepResult(isFinished: false)
      batch.setEmitted(result.tokens, by: state.id, from: &part)
      drafted += result.drafted
      accepted += result.tokens - 1
      if let prediction = result.prediction, !result.isFinished { news.append((slot, prediction)) }
      return Scheduler.Outcome(tokens: result.tokens, isFinished: result.isFinished)
    }
    for (slot, prediction) in news { scheduler.predict(prediction, slot: slot, at: end) }
    fold.add(
      .steps(
        StepRun(
          start: start, end: end, first: end - start, count: 1, shape: plan.shape,
          drafted: drafted, accepted: accepted, blocksBefore: before,
          blocksAfter: scheduler.pool.used, waiting: scheduler.waitingCount, batch: batch)))
    tell()
  }

  private mutating func tell() {
    for event in scheduler.events {
      switch event.kind {
      case .preempted:
        // Swapped out, it keeps what it has in memory, which is where the engine computes.
        if scheduler.configuration.preemption == .recompute {
          engine.evict(request: event.request)
        }
      case .finished, .rejected, .cancelled: end(event)
      case .arrived, .admitted, .resumed, .firstToken: break
      }
      // An arrival is told with its request.
      if event.kind != .arrived { fold.add(.transition(event)) }
    }
    scheduler.events.removeAll(keepingCapacity: true)
  }

  private mutating func end(_ event: SchedulerEvent) {
    engine.end(request: event.request)
    guard var request = requests.removeValue(forKey: event.request), event.kind == .finished
    else { return }
    request.outputLength = event.tokens
    predictor.finished(request)
  }
}
