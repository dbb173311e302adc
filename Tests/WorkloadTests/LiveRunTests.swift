import Testing
import Workload

/// An engine whose steps take the time that a model says, on a clock that only they move.
private struct ModelledEngine: StepEngine {
  let model: StepTimeModel
  /// What the engine believes of a length once the first token is out.
  var news: [Int: LengthPrediction] = [:]
  private(set) var now = Time.zero
  private(set) var left: [Int: Int] = [:]
  private(set) var evictions = 0

  init(_ model: StepTimeModel) { self.model = model }

  mutating func wait(until time: Time) { now = max(now, time) }
  mutating func begin(_ request: Request) { left[request.id] = request.outputLength }

  mutating func run(_ plan: StepPlan, of scheduler: Scheduler) -> [StepResult] {
    now += model.duration(plan.shape)
    var results: [StepResult] = []
    for entry in plan.entries {
      let state = scheduler.state(entry.slot)
      let rest = left[state.id]
      #expect(rest != nil)
      guard entry.tokens == state.uncomputed, let rest else { continue }
      left[state.id] = rest - 1
      results.append(
        StepResult(
          isFinished: rest == 1, prediction: state.generated == 0 ? news[state.id] : nil))
    }
    return results
  }

  mutating func evict(request: Int) { evictions += 1 }
  mutating func end(request: Int) {
    let wasPresent = left.removeValue(forKey: request) != nil
    #expect(wasPresent)
  }
}

@Suite struct LiveRunTests {
  @Test(
    "A live run whose steps take what the model says is the simulated run",
    arguments: PreemptionKind.allCases)
  func simulated(_ kind: PreemptionKind) throws {
    var evictions = 0
    for (index, ordering) in PolicyTable.orderings.enumerated() {
      for batching in Batching.allCases {
        let requests = RandomWorkload.requests(40, seed: UInt64(index))
        let configuration = RandomWorkload.configuration(batching, kind)
        let scheduler = try Scheduler(configuration, ordering: ordering)
        let predictor = try RandomWorkload.noise(requests)
        var simulation = try Simulation(
          scheduler, source: ListedRequests(requests), predictor: predictor,
          model: RandomWorkload.model, observer: Both(EventLog(), ServiceMetrics()))
        try simulation.run()
        var live = try LiveRun(
          scheduler, source: ListedRequests(requests), predictor: predictor,
          engine: ModelledEngine(RandomWorkload.model),
          observer: Both(EventLog(), ServiceMetrics()))
        try live.run()
        #expect(live.observer.first.events == simulation.observer.first.events)
        #expect(live.observer.second.records == simulation.observer.second.records)
        #expect(live.observer.second.gaps == simulation.observer.second.gaps)
        #expect(live.engine.left.isEmpty)
        evictions += live.engine.evictions
      }
    }
    #expect((evictions > 0) == (kind == .recompute))
  }

  @Test func `What the engine learns of a running answer's length changes who runs`() throws {
    let requests = [
      Request(id: 0, arrival: .zero, inputLength: 4, outputLength: 200),
      Request(id: 1, arrival: Time(milliseconds: 100), inputLength: 4, outputLength: 5),
    ]
    func order(_ news: [Int: LengthPrediction]) throws -> [SchedulerEvent] {
      var configuration = SchedulerConfiguration()
      configuration.maximumRunning = 1
      var engine = ModelledEngine(RandomWorkload.model)
      engine.news = news
      var live = try LiveRun(
        Scheduler(configuration, ordering: ShortestRemaining()), source: ListedRequests(requests),
        predictor: ShortAnswers(), engine: engine, observer: EventLog())
      try live.run()
      return live.observer.events.filter { [.finished, .preempted].contains($0.kind) }
    }
    #expect(try order([:]).map(\.request) == [0, 1])
    let told = try order([0: LengthPrediction(exactly: 200)])
    #expect(told.map(\.request) == [0, 1, 0] && told.first?.kind == .preempted)
  }

  @Test func `Steps that are planned ahead are refused live`() throws {
    var configuration = SchedulerConfiguration()
    configuration.isPipelined = true
    let error = #expect(throws: WorkloadError.self) {
      try LiveRun(
        Scheduler(configuration), source: ListedRequests([]),
        engine: ModelledEngine(RandomWorkload.model), observer: EventLog())
    }
    #expect(error?.problem.contains("only simulated") == true)
  }
}

/// Takes every answer to be short.
private struct ShortAnswers: LengthPredictor {
  let name = "short"
  func prediction(for request: Request) -> LengthPrediction? { LengthPrediction(exactly: 5) }
}
