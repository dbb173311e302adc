import Support
import Testing
import Workload

/// The waiting queue computes few keys anew; a plain one computes all of them at every look.
@Suite struct WaitingOrderTests {
  /// A policy whose waiting requests all get new keys whenever the queue is looked at.
  struct Plain<Base: OrderingPolicy>: OrderingPolicy {
    var base: Base

    var name: String { base.name }
    var victim: VictimRule { base.victim }
    var isPreemptive: Bool { base.isPreemptive }
    var reviewInterval: Int { base.reviewInterval }
    var accountsService: Bool { base.accountsService }
    func key(of request: RequestState, at now: Time) -> Double { base.key(of: request, at: now) }
    func keyHolds(of request: RequestState, at now: Time) -> Time { now }
    func displaces(_ waiting: RequestState, _ running: RequestState, at now: Time) -> Bool {
      base.displaces(waiting, running, at: now)
    }
    mutating func submitted(_ request: RequestState) { base.submitted(request) }
    mutating func served(_ request: RequestState, input: Int, output: Int) {
      base.served(request, input: input, output: output)
    }
    mutating func departed(_ request: RequestState) { base.departed(request) }
  }

  private func plain(_ ordering: some OrderingPolicy) -> any OrderingPolicy {
    Plain(base: ordering)
  }

  @Test("Few new keys or all of them: the same events", arguments: Batching.allCases)
  func plainReference(_ batching: Batching) throws {
    let orderings: [any OrderingPolicy] =
      PolicyTable.orderings + [
        SkipJoinQueues(quantum: 4, promotion: Time(milliseconds: 150)),
        SkipJoinQueues(quantum: 16, levels: 3, promotion: Time(milliseconds: 900)),
        FairShare(inputWeight: 3, outputWeight: 1),
      ]
    var resumed = 0
    for (index, ordering) in orderings.enumerated() {
      for kind in PreemptionKind.allCases {
        for clients in [1, 3, 17] {
          var generator = SeededGenerator(seed: UInt64(index * 100 + clients))
          let requests = RandomWorkload.requests(120, seed: UInt64(index + clients)).map {
            var request = $0
            request.client = Int.random(in: 0..<clients, using: &generator)
            return request
          }
          let configuration = RandomWorkload.configuration(batching, kind)
          let noise = try RandomWorkload.noise(requests)
          let quick = try SimulationPropertyTests.run(
            requests, configuration, ordering: ordering, predictor: noise)
          let slow = try SimulationPropertyTests.run(
            requests, configuration, ordering: plain(ordering), predictor: noise)
          #expect(quick.observer.events == slow.observer.events, "\(ordering.name) \(clients)")
          #expect(quick.steps == slow.steps)
          resumed += quick.observer.events.count { $0.kind == .resumed }
        }
      }
    }
    #expect(batching == .batchToCompletion || resumed > 100)
  }

  @Test func `A request taken back while it waits is never served, whoever its client is`() throws {
    for ordering in [FairShare(), SkipJoinQueues(), ShortestJobFirst()] as [any OrderingPolicy] {
      var scheduler = try Scheduler(
        RandomWorkload.configuration(.continuous, .recompute), ordering: ordering)
      var slots: [Int] = []
      for request in RandomWorkload.requests(300, seed: 5) {
        if let slot = scheduler.submit(request, prediction: nil, at: request.arrival) {
          slots.append(slot)
        }
      }
      let now = Time(seconds: 100)
      for (index, slot) in slots.enumerated() where index % 10 != 0 {
        scheduler.cancel(slot: slot, at: now)
      }
      #expect(scheduler.waitingCount == 30)
      var plan = StepPlan()
      var clock = now
      while !scheduler.isIdle {
        scheduler.schedule(at: clock, into: &plan)
        clock += Time(seconds: 1)
        scheduler.complete(plan, at: clock) { _, _ in .init(tokens: 1, isFinished: true) }
      }
      let finished = scheduler.events.filter { $0.kind == .finished }.map(\.request)
      #expect(finished.sorted() == stride(from: 0, to: 300, by: 10).map { $0 })
    }
  }
}
