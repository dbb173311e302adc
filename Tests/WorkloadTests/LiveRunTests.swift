import Testing
import Workload

/// An engine whose steps take the time that a model says, on a clock that only they move.
private struct ModelledEngine: StepEngine {
  let model: StepTimeModel
  private(set) var now = Time.zero
  private(set) var present: Set<Int> = []
  private(set) var evictions = 0

  init(_ model: StepTimeModel) { self.model = model }

  mutating func wait(until time: Time) { now = max(now, time) }
  mutating func begin(_ request: Request) { present.insert(request.id) }
  mutating func run(_ plan: StepPlan, of scheduler: Scheduler) {
    for entry in plan.entries {
      #expect(present.contains(scheduler.state(entry.slot).id))
    }
    now += model.duration(plan.shape)
  }
  mutating func evict(request: Int) { evictions += 1 }
  mutating func end(request: Int) {
    let wasPresent = present.remove(request) != nil
    #expect(wasPresent)
  }
}

@Suite struct LiveRunTests {
  @Test func `A live run whose steps take what the model says is the simulated run`() throws {
    var evictions = 0
    for (index, ordering) in PolicyTable.orderings.enumerated() {
      for batching in Batching.allCases {
        let requests = RandomWorkload.requests(40, seed: UInt64(index))
        let configuration = RandomWorkload.configuration(batching, .recompute)
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
        #expect(live.engine.present.isEmpty)
        evictions += live.engine.evictions
      }
    }
    #expect(evictions > 0)
  }

  @Test func `What only the simulator can do is refused live`() throws {
    func refusal(_ change: (inout SchedulerConfiguration) -> Void) throws -> String? {
      var configuration = SchedulerConfiguration()
      change(&configuration)
      let error = #expect(throws: WorkloadError.self) {
        try LiveRun(
          Scheduler(configuration), source: ListedRequests([]),
          engine: ModelledEngine(RandomWorkload.model), observer: EventLog())
      }
      return error?.problem
    }
    #expect(try refusal { $0.isPipelined = true }?.contains("only simulated") == true)
    #expect(try refusal { $0.preemption = .swap } != nil)
    #expect(try refusal { $0.lookahead = 2 } != nil)
  }
}
