import Testing
import Workload

/// What holds of every run, whatever the policy: over random traces and all policies.
@Suite struct SimulationPropertyTests {
  struct Run {
    var observer: Invariants
    var steps: Int
    var planned: Int
  }

  static func run(
    _ requests: [Request], _ configuration: SchedulerConfiguration,
    ordering: any OrderingPolicy = FirstComeFirstServed(),
    admission: any AdmissionPolicy = OnDemand(), predictor: any LengthPredictor = NoPredictor(),
    speculation: Speculation? = nil, skips: Bool = true
  ) throws -> Run {
    let scheduler = try Scheduler(configuration, ordering: ordering, admission: admission)
    var simulation = try Simulation(
      scheduler, source: ListedRequests(requests), predictor: predictor,
      model: RandomWorkload.model, speculation: speculation,
      observer: Invariants(capacity: configuration.blockCount))
    simulation.skips = skips
    try simulation.run()
    return Run(
      observer: simulation.observer, steps: simulation.scheduler.steps,
      planned: simulation.plannedSteps)
  }

  /// Every request answered in full, every token computed once or lost to a preemption.
  static func expectConservation(_ run: Run, _ requests: [Request], swaps: Bool) {
    let metrics = run.observer.metrics
    #expect(run.observer.violations.isEmpty, "\(run.observer.violations.prefix(3))")
    #expect(metrics.records.count == requests.count)
    #expect(metrics.records.allSatisfy { $0.ending == .finished })
    #expect(metrics.records.map { Int($0.outputLength) } == requests.map(\.outputLength))
    let wasted = swaps ? 0 : metrics.records.reduce(0) { $0 + Int($1.wasted) }
    let computed = metrics.totals.prefillTokens + metrics.totals.decodeTokens
    let needed = requests.reduce(0) { $0 + $1.inputLength + $1.outputLength - 1 }
    #expect(computed + metrics.totals.accepted == needed + wasted)
    #expect(
      metrics.gaps.total + metrics.totals.accepted
        == requests.reduce(0) { $0 + $1.outputLength - 1 })
    for record in metrics.records {
      #expect(record.arrival <= record.admitted && record.admitted < record.firstToken)
      #expect(record.firstToken <= record.end)
    }
  }

  @Test("No policy loses a token, a request or a block", arguments: Batching.allCases)
  func conservation(_ batching: Batching) throws {
    var preemptions = 0
    for (index, ordering) in PolicyTable.orderings.enumerated() {
      for (other, admission) in PolicyTable.admissions.enumerated() {
        for kind in PreemptionKind.allCases {
          let requests = RandomWorkload.requests(30, seed: UInt64(index * 10 + other))
          let configuration = RandomWorkload.configuration(batching, kind)
          let predictor: any LengthPredictor =
            other % 2 == 0 ? try RandomWorkload.noise(requests) : NoPredictor()
          let skipped = try Self.run(
            requests, configuration, ordering: ordering, admission: admission,
            predictor: predictor)
          Self.expectConservation(skipped, requests, swaps: kind == .swap)
          let stepped = try Self.run(
            requests, configuration, ordering: ordering, admission: admission,
            predictor: predictor, skips: false)
          #expect(stepped.planned == stepped.observer.metrics.totals.steps)
          #expect(skipped.planned < stepped.planned)
          preemptions += skipped.observer.events.count { $0.kind == .preempted }
          // Skipping changes no bit of the log, and nothing else that is counted in whole numbers.
          #expect(skipped.observer.events == stepped.observer.events, "\(ordering.name)")
          #expect(skipped.observer.metrics.records == stepped.observer.metrics.records)
          #expect(skipped.steps == stepped.steps)
          #expect(skipped.observer.metrics.gaps == stepped.observer.metrics.gaps)
        }
      }
    }
    // A batch that runs to its end alone has its blocks to itself.
    #expect((preemptions > 0) == (batching != .batchToCompletion))
  }

  @Test(
    "Speculation conserves tokens too",
    arguments: [
      Speculation.DraftLength.fixed(3), .best(limit: 4), .fixed(0),
    ])
  func speculation(_ drafts: Speculation.DraftLength) throws {
    let requests = RandomWorkload.requests(60, seed: 77)
    for kind in PreemptionKind.allCases {
      var configuration = RandomWorkload.configuration(.continuous, kind)
      configuration.lookahead = drafts.limit
      configuration.blockCount = 60
      let speculation = try Speculation(drafts, acceptance: 0.7, acceptanceDeviation: 0.2)
      let run = try Self.run(requests, configuration, speculation: speculation)
      Self.expectConservation(run, requests, swaps: kind == .swap)
      let totals = run.observer.metrics.totals
      #expect(totals.accepted <= totals.drafted)
      #expect((totals.accepted > 0) == (drafts.limit > 0))
    }
  }

  @Test func `Nobody overtakes under first come, first served`() throws {
    for seed in 0..<20 as Range<UInt64> {
      let requests = RandomWorkload.requests(60, seed: seed)
      let run = try Self.run(requests, RandomWorkload.configuration(.continuous, .recompute))
      let admitted = run.observer.events.filter { $0.kind == .admitted }.map(\.request)
      #expect(admitted == admitted.sorted())
      #expect(run.observer.events.contains { $0.kind == .preempted })
    }
  }

  @Test func `Reservations for the worst case never preempt`() throws {
    for seed in 0..<10 as Range<UInt64> {
      let requests = RandomWorkload.requests(60, seed: seed)
      var configuration = RandomWorkload.configuration(.continuous, .recompute)
      configuration.blockCount = 60
      let run = try Self.run(requests, configuration, admission: WorstCase())
      #expect(!run.observer.events.contains { $0.kind == .preempted })
    }
  }

  @Test func `What can never fit is rejected and holds nobody up`() throws {
    var requests = RandomWorkload.requests(40, seed: 9)
    // 30 blocks of 8 tokens: one prompt is too long, one answer outgrows the cache on the way.
    requests[5].inputLength = 241
    requests[9].inputLength = 200
    requests[9].outputLength = 60
    for batching in Batching.allCases {
      for ordering in PolicyTable.orderings {
        let run = try Self.run(
          requests, RandomWorkload.configuration(batching, .recompute), ordering: ordering)
        let records = run.observer.metrics.records
        #expect(records[5].ending == .rejected && records[9].ending == .rejected)
        #expect(records.count { $0.ending == .finished } == 38, "\(ordering.name) \(batching)")
        #expect(run.observer.violations.isEmpty)
      }
    }
  }

  @Test func `The same seed gives the same bytes, with jitter too`() throws {
    func events(seed: UInt64) throws -> [SchedulerEvent] {
      var model = RandomWorkload.model
      model.jitter = [0.8, 0.9, 1, 1.1, 1.4]
      let requests = RandomWorkload.requests(50, seed: 3)
      var simulation = try Simulation(
        try Scheduler(
          RandomWorkload.configuration(.sarathi, .swap), ordering: ShortestRemaining()),
        source: ListedRequests(requests), predictor: try RandomWorkload.noise(requests),
        model: model, observer: EventLog())
      simulation.jitterSeed = seed
      try simulation.run()
      return simulation.observer.events
    }
    #expect(try events(seed: 1) == events(seed: 1))
    #expect(try events(seed: 1) != events(seed: 2))
  }
}
