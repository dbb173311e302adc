import Testing
import Workload

/// The steps of vLLM V1, planned by hand.
@Suite struct SchedulerTests {
  /// Drives a scheduler with requests whose answers have given lengths.
  struct Bench {
    var scheduler: Scheduler
    var plan = StepPlan()
    var lengths: [Int: Int] = [:]
    var clock = Time.zero

    init(
      ordering: any OrderingPolicy = FirstComeFirstServed(),
      admission: any AdmissionPolicy = OnDemand(),
      _ change: (inout SchedulerConfiguration) -> Void = { _ in }
    ) throws {
      var configuration = SchedulerConfiguration()
      configuration.tokenBudget = 32
      configuration.maximumRunning = 4
      configuration.blockCount = 8
      change(&configuration)
      scheduler = try Scheduler(configuration, ordering: ordering, admission: admission)
    }

    mutating func submit(
      _ id: Int, input: Int, output: Int, priority: Int = 0, client: Int = 0,
      predicted: Int? = nil
    ) {
      var request = Request(id: id, arrival: clock, inputLength: input, outputLength: output)
      request.priority = priority
      request.client = client
      let prediction = predicted.map { LengthPrediction(exactly: $0) }
      _ = scheduler.submit(request, prediction: prediction, at: clock)
      lengths[id] = output
    }

    /// One step: what it computes, by request.
    mutating func step() -> [[Int]] {
      scheduler.schedule(at: clock, into: &plan)
      let computed = plan.entries.map { [scheduler.state($0.slot).id, $0.tokens] }
      clock += Time(seconds: 1)
      let lengths = lengths
      scheduler.complete(plan, at: clock) { _, state in
        .init(tokens: 1, isFinished: state.generated + 1 == lengths[state.id])
      }
      return computed
    }

    mutating func events(_ kind: SchedulerEvent.Kind) -> [Int] {
      scheduler.events.filter { $0.kind == kind }.map(\.request)
    }
  }

  @Test func `One budget: running requests first, then a chunk of the next prompt`() throws {
    var bench = try Bench()
    bench.submit(0, input: 20, output: 9)
    bench.submit(1, input: 40, output: 9)
    #expect(bench.step() == [[0, 20], [1, 12]])
    #expect(bench.step() == [[0, 1], [1, 28]])
    #expect(bench.step() == [[0, 1], [1, 1]])
    #expect(bench.events(.firstToken) == [0, 1])
  }

  @Test func `A chunk is capped by the long prefill threshold`() throws {
    var bench = try Bench { $0.longPrefillThreshold = 10 }
    bench.submit(0, input: 25, output: 9)
    bench.submit(1, input: 25, output: 9)
    #expect(bench.step() == [[0, 10], [1, 10]])
    #expect(bench.step() == [[0, 10], [1, 10]])
    #expect(bench.step() == [[0, 5], [1, 5]])
  }

  @Test func `Sarathi serves decodes before the chunk of a prompt that came earlier`() throws {
    func steps(_ batching: Batching) throws -> [[[Int]]] {
      var bench = try Bench(ordering: ShortestJobFirst()) {
        $0.batching = batching
        $0.tokenBudget = 16
      }
      bench.submit(0, input: 40, output: 9, predicted: 9)
      let first = bench.step()
      bench.submit(1, input: 4, output: 9, predicted: 1)
      return [first, bench.step(), bench.step()]
    }
    // In either, request 0 takes all of the budget until its prompt is done.
    #expect(try steps(.continuous) == [[[0, 16]], [[0, 16]], [[0, 8], [1, 4]]])
    #expect(try steps(.sarathi) == [[[0, 16]], [[0, 16]], [[0, 8], [1, 4]]])
    var bench = try Bench {
      $0.batching = .sarathi
      $0.tokenBudget = 16
      $0.longPrefillThreshold = 12
    }
    bench.submit(0, input: 30, output: 9)
    bench.submit(1, input: 4, output: 9)
    #expect(bench.step() == [[0, 12], [1, 4]])
    #expect(bench.step() == [[1, 1], [0, 12]])
  }

  @Test func `Out of blocks, the last admitted goes, and nobody is admitted in that step`() throws {
    // Four blocks of 16: two prompts of two blocks each fill them.
    var bench = try Bench {
      $0.blockCount = 4
      $0.tokenBudget = 64
    }
    bench.submit(0, input: 32, output: 4)
    bench.submit(1, input: 31, output: 4)
    bench.submit(2, input: 16, output: 4)
    #expect(bench.step() == [[0, 32], [1, 31]])
    // Request 0 needs a third block: 1 is preempted; its two blocks would hold 2's prompt.
    #expect(bench.step() == [[0, 1]])
    #expect(bench.events(.preempted) == [1])
    // Back at the head, 1 does not fit (32 tokens in the one free block), so that 2 waits too.
    #expect(bench.step() == [[0, 1]])
    #expect(bench.step() == [[0, 1]])
    #expect(bench.events(.finished) == [0])
    // Recomputed: prompt and the one token that was out.
    #expect(bench.step() == [[1, 32], [2, 16]])
    #expect(bench.events(.resumed) == [1])
  }

  @Test func `A swapped request goes on where it was`() throws {
    var bench = try Bench {
      $0.blockCount = 4
      $0.tokenBudget = 64
      $0.preemption = .swap
    }
    bench.submit(0, input: 32, output: 3)
    bench.submit(1, input: 31, output: 4)
    _ = bench.step()
    #expect(bench.step() == [[0, 1]])
    #expect(bench.plan.shape.swappedTokens == 31)
    _ = bench.step()
    #expect(bench.step() == [[1, 1]])
    #expect(bench.plan.shape.swappedTokens == 31)
  }

  @Test func `All that is known must fit, not only the first chunk`() throws {
    for (reserves, expected) in [(true, [[0, 60]]), (false, [[0, 60], [1, 4]])] {
      var bench = try Bench {
        $0.reservesWholePrompt = reserves
        $0.blockCount = 5
        $0.tokenBudget = 64
      }
      bench.submit(0, input: 60, output: 2)
      bench.submit(1, input: 40, output: 2)
      #expect(bench.step() == expected)
    }
  }

  @Test func `The watermark keeps blocks free at admission`() throws {
    var bench = try Bench(admission: OnDemand(watermark: 0.5)) { $0.tokenBudget = 128 }
    bench.submit(0, input: 32, output: 2)
    bench.submit(1, input: 32, output: 2)
    bench.submit(2, input: 16, output: 2)
    #expect(bench.step() == [[0, 32], [1, 32]])
  }

  @Test func `Priority preempts the least urgent, wherever it stands`() throws {
    var bench = try Bench(ordering: PriorityOrder()) {
      $0.blockCount = 4
      $0.tokenBudget = 64
    }
    bench.submit(0, input: 31, output: 9, priority: 5)
    #expect(bench.step() == [[0, 31]])
    bench.submit(1, input: 32, output: 9, priority: 1)
    #expect(bench.step() == [[0, 1], [1, 32]])
    // Request 0 comes first in order and needs a block: it is itself the least urgent.
    #expect(bench.step() == [])
    #expect(bench.events(.preempted) == [0])
    #expect(bench.step() == [[1, 1]])
  }

  @Test func `Shortest job first admits by prediction, the unpredicted last`() throws {
    var bench = try Bench(ordering: ShortestJobFirst()) { $0.maximumRunning = 1 }
    bench.submit(0, input: 1, output: 1)
    bench.submit(1, input: 1, output: 1, predicted: 50)
    bench.submit(2, input: 1, output: 1, predicted: 5)
    for _ in 0..<3 { _ = bench.step() }
    #expect(bench.events(.finished) == [2, 1, 0])
  }

  @Test func `By predicted work, a long prompt goes behind a longer answer`() throws {
    func order(_ policy: ShortestJobFirst) throws -> [Int] {
      var bench = try Bench(ordering: policy) { $0.maximumRunning = 1 }
      bench.submit(0, input: 60, output: 1, predicted: 2)
      bench.submit(1, input: 1, output: 1, predicted: 5)
      bench.submit(2, input: 57, output: 1)
      while bench.events(.finished).count < 3 { _ = bench.step() }
      return bench.events(.finished)
    }
    #expect(try order(ShortestJobFirst()) == [0, 1, 2])
    #expect(try order(ShortestJobFirst(inputWeight: 0.1)) == [1, 2, 0])
  }

  @Test func `Shortest remaining displaces by the margin, limited preemption protects`() throws {
    func preempted(_ policy: ShortestRemaining, predicted: Int) throws -> [Int] {
      var bench = try Bench(ordering: policy) { $0.maximumRunning = 1 }
      bench.submit(0, input: 1, output: 100, predicted: 100)
      for _ in 0..<50 { _ = bench.step() }
      bench.submit(1, input: 1, output: 1, predicted: predicted)
      _ = bench.step()
      return bench.events(.preempted)
    }
    #expect(try preempted(ShortestRemaining(margin: 10), predicted: 39) == [0])
    #expect(try preempted(ShortestRemaining(margin: 10), predicted: 41) == [])
    #expect(
      try preempted(ShortestRemaining(margin: 10, protectedShare: 0.4), predicted: 5) == [])
    #expect(
      try preempted(ShortestRemaining(margin: 10, protectedShare: 0.6), predicted: 5) == [0])
  }

  @Test func `Fair share gives the client its turn that has had least`() throws {
    var bench = try Bench(ordering: FairShare()) { $0.maximumRunning = 1 }
    for id in 0..<4 { bench.submit(id, input: 4, output: 3, client: 0) }
    bench.submit(4, input: 4, output: 3, client: 1)
    bench.submit(5, input: 4, output: 3, client: 1)
    for _ in 0..<18 { _ = bench.step() }
    #expect(bench.events(.finished) == [0, 4, 1, 5, 2, 3])
  }

  @Test func `Feedback queues let a newcomer past one that has used its quantum`() throws {
    var bench = try Bench(ordering: SkipJoinQueues(quantum: 4)) { $0.maximumRunning = 1 }
    bench.submit(0, input: 1, output: 30)
    for _ in 0..<3 { _ = bench.step() }
    bench.submit(1, input: 1, output: 2)
    // Still in its first quantum: not displaced.
    #expect(bench.step() == [[0, 1]])
    for _ in 0..<4 { _ = bench.step() }
    #expect(bench.events(.preempted) == [0])
    #expect(bench.events(.finished) == [1])
  }

  @Test func `Batches run to completion, prompts go before decodes where they must`() throws {
    var batch = try Bench { $0.batching = .batchToCompletion }
    batch.submit(0, input: 20, output: 1)
    batch.submit(1, input: 12, output: 3)
    #expect(batch.step() == [[0, 20], [1, 12]])
    batch.submit(2, input: 4, output: 1)
    #expect(batch.step() == [[1, 1]])
    #expect(batch.step() == [[1, 1]])
    #expect(batch.step() == [[2, 4]])

    var first = try Bench { $0.batching = .prefillFirst }
    first.submit(0, input: 20, output: 5)
    #expect(first.step() == [[0, 20]])
    first.submit(1, input: 40, output: 5)
    // Longer than the budget, so alone; no decode beside it.
    #expect(first.step() == [[1, 40]])
    #expect(first.step() == [[0, 1], [1, 1]])

    var orca = try Bench { $0.batching = .orca }
    orca.submit(0, input: 20, output: 5)
    #expect(orca.step() == [[0, 20]])
    orca.submit(1, input: 25, output: 5)
    #expect(orca.step() == [[0, 1], [1, 25]])
  }

  @Test func `A pipelined engine has a slot back one step later`() throws {
    for (pipelined, expected) in [(false, [[[0, 4]], [[1, 4]]]), (true, [[[0, 4]], []])] {
      var bench = try Bench {
        $0.isPipelined = pipelined
        $0.maximumRunning = 1
      }
      bench.submit(0, input: 4, output: 1)
      bench.submit(1, input: 4, output: 1)
      #expect([bench.step(), bench.step()] == expected)
    }
  }

  @Test func `A cancelled request gives everything back`() throws {
    var bench = try Bench()
    bench.submit(0, input: 20, output: 9)
    bench.submit(1, input: 20, output: 9)
    _ = bench.step()
    bench.scheduler.cancel(slot: 0, at: bench.clock)
    bench.scheduler.cancel(slot: 1, at: bench.clock)
    #expect(bench.scheduler.isIdle)
    #expect(bench.scheduler.pool.used == 0)
    #expect(bench.events(.cancelled) == [0, 1])
  }

  @Test func `Limits that cannot be are refused`() {
    let wrong: [(inout SchedulerConfiguration) -> Void] = [
      { $0.tokenBudget = 0 }, { $0.maximumRunning = 0 }, { $0.blockSize = 0 },
      { $0.blockCount = 0 }, { $0.lookahead = 65 }, { $0.lookahead = 32 },
      { $0.longPrefillThreshold = -1 }, { $0.outputLimit = 0 },
    ]
    for change in wrong { #expect(throws: WorkloadError.self) { try Bench(change) } }
    #expect(throws: WorkloadError.self) { try PolicyTable.ordering("fastest") }
    #expect(throws: WorkloadError.self) { try PolicyTable.admission("all") }
  }
}
