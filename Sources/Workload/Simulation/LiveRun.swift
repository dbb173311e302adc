/// What computes steps in real time, and the clock that it does so by.
package protocol StepEngine {
  /// Since the run began.
  var now: Time { get }
  /// Returns when the clock has reached `time`, or later.
  mutating func wait(until time: Time)
  /// A request has come; nothing is computed yet.
  mutating func begin(_ request: Request) throws
  /// Computes what the scheduler has planned.
  mutating func run(_ plan: StepPlan, of scheduler: Scheduler) throws
  /// The request lost its place: what was computed of it is forgotten, what it has said is kept.
  mutating func evict(request: Int)
  /// The request is done.
  mutating func end(request: Int)
}

/// The scheduler on an engine's own clock: requests come at their times, steps take as long as they
/// take, and answers are as long as the trace says. Everything else is as in `Simulation`, and the
/// log is of the same form.
package struct LiveRun<Source: RequestSource, Engine: StepEngine, Observer: SimulationObserver> {
  package private(set) var scheduler: Scheduler
  package private(set) var source: Source
  package private(set) var predictor: any LengthPredictor
  package private(set) var engine: Engine
  package var observer: Observer { fold.observer }

  private var fold: RunLogFold<Observer>
  private var upcoming: Request?
  private var plan = StepPlan()
  private var lengths = SlotLengths()

  /// - Throws: `.invalidSetting` for a scheduler that plans ahead, leaves room for drafts or swaps.
  package init(
    _ scheduler: Scheduler, source: Source, predictor: any LengthPredictor = NoPredictor(),
    engine: Engine, observer: Observer
  ) throws(WorkloadError) {
    let configuration = scheduler.configuration
    guard !configuration.isPipelined, configuration.lookahead == 0,
      configuration.preemption == .recompute
    else {
      throw WorkloadError(
        .invalidSetting, source: "live run",
        problem: "steps that are planned ahead, drafts and swapping are only simulated")
    }
    self.scheduler = scheduler
    self.source = source
    self.predictor = predictor
    self.engine = engine
    fold = RunLogFold(observer)
  }

  /// Runs until the source is empty and every request is done, or until somebody wants it to stop.
  ///
  /// - Parameter isStopped: asked before each step.
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
        engine.wait(until: request.arrival)
        continue
      }
      try step(start: now)
    }
  }

  private mutating func submit(_ request: Request) throws {
    try engine.begin(request)
    fold.add(.arrival(request))
    let prediction = predictor.prediction(for: request)
    if let slot = scheduler.submit(request, prediction: prediction, at: request.arrival) {
      lengths.set(slot, request, rate: 0)
    }
    tell()
  }

  private mutating func step(start: Time) throws {
    let before = scheduler.pool.used
    try engine.run(plan, of: scheduler)
    let end = engine.now
    var batch = scheduler.parts(of: plan)
    var (part, finished): (Int, [Int]) = (0, [])
    var lengths = lengths
    self.lengths = SlotLengths()
    scheduler.complete(plan, at: end) { slot, state in
      let isFinished = lengths.produce(slot, 1, at: end)
      if isFinished { finished.append(slot) }
      batch.setEmitted(1, by: state.id, from: &part)
      return Scheduler.Outcome(tokens: 1, isFinished: isFinished)
    }
    for slot in finished { predictor.finished(lengths.request(slot)) }
    self.lengths = lengths
    fold.add(
      .steps(
        StepRun(
          start: start, end: end, first: end - start, count: 1, shape: plan.shape,
          blocksBefore: before, blocksAfter: scheduler.pool.used,
          waiting: scheduler.waitingCount, batch: batch)))
    tell()
  }

  private mutating func tell() {
    for event in scheduler.events {
      switch event.kind {
      case .preempted: engine.evict(request: event.request)
      case .finished, .rejected, .cancelled: engine.end(request: event.request)
      case .arrived, .admitted, .resumed, .firstToken: break
      }
      // An arrival is told with its request.
      if event.kind != .arrived { fold.add(.transition(event)) }
    }
    scheduler.events.removeAll(keepingCapacity: true)
  }
}
