import Support
import Testing
import Workload

/// The ends of the scale: what knowing a prompt's ten answers, or every length, can bring.
@Suite struct OracleTests {
  static func requests(_ count: Int) -> [Request] {
    var random = RandomSource(seed: 8)
    return (0..<count).map { id in
      let length = 1 + Int(150 * random.gamma(shape: 1.3))
      return Request(id: id, arrival: .zero, inputLength: 1, outputLength: length)
    }
  }

  @Test("The draw that comes is one of eleven", arguments: [0.5, 0.66, BestOfTen.castilloTau, 0.9])
  func bestOfTen(tau: Double) throws {
    let requests = Self.requests(4000)
    let oracle = try BestOfTen(tau: tau, lengths: requests.map(\.outputLength), seed: 5)
    let predictions = requests.compactMap(oracle.prediction)
    // Of eleven draws in any order the last is below the k-th of the others with chance k / 11; the
    // quantiles of ten lie at places 0.9, 4.5 and 8.1 from the first.
    for (level, chance) in [(1, 1.9 / 11), (3, 5.5 / 11), (5, 9.1 / 11)] {
      let below = zip(requests, predictions).count {
        Float($0.outputLength) <= $1.quantiles[level]
      }
      #expect(abs(Double(below) / 4000 - chance) < 0.025, "level \(level)")
    }
    var concordance = 0
    for (index, request) in requests.enumerated() {
      for other in 0..<index {
        let predicted = predictions[index].median - predictions[other].median
        let product = predicted * Double(request.outputLength - requests[other].outputLength)
        concordance += product > 0 ? 1 : product < 0 ? -1 : 0
      }
    }
    #expect(abs(Double(concordance) / Double(4000 * 3999 / 2) - tau) < 0.025)
  }

  @Test func `Where prompts decide everything, the ten draws are the one that comes`() throws {
    let requests = Self.requests(500)
    let oracle = try BestOfTen(tau: 1, lengths: requests.map(\.outputLength), seed: 5)
    #expect(oracle.withinPrompts == 0)
    for request in requests {
      let length = Double(request.outputLength)
      let prediction = try #require(oracle.prediction(for: request))
      // The longest lie between few levels.
      #expect(abs(prediction.median - length) <= 2 + 0.15 * length)
      #expect(prediction.quantiles[0] == prediction.quantiles[7])
    }
    #expect(throws: WorkloadError.self) { try BestOfTen(lengths: [], seed: 0) }
    #expect(throws: WorkloadError.self) { try BestOfTen(tau: 1.1, lengths: [3], seed: 0) }
  }

  @Test func `Predictors are known by name, with a tau where they have one`() throws {
    let lengths = [3, 30, 300]
    for name in PredictorTable.names {
      let named = try NamedPredictor(name.replacing("TAU", with: "0.5"))
      let predictor = try named.predictor(lengths: lengths, seed: 1)
      #expect(predictor.name.hasPrefix(named.name.prefix(4)), "\(name)")
    }
    #expect(try NamedPredictor("noise:0.5").quality == 0.5)
    #expect(try NamedPredictor("oracle").quality == 1)
    #expect(try NamedPredictor("best-of-ten:0.9").isOracle)
    #expect(try NamedPredictor("none").quality == nil)
    for name in [
      "", "noise", "noise:", "noise:1.5", "oracle:1", "none:0.2", "ten", "best-of-ten:x",
    ] {
      #expect(throws: WorkloadError.self, "\(name)") { try NamedPredictor(name) }
    }
  }

  @Test func `A policy's name may say who is admitted`() throws {
    let usual = OnDemand()
    #expect(try PolicyTable.policy("sjf", admission: usual).admission.name == "on-demand")
    let pair = try PolicyTable.policy("sjf-work:0.3+packing", admission: usual)
    #expect(pair.ordering.name == "sjf-work" && pair.admission.name == "packing")
    for name in ["+packing", "sjf+", "sjf+sjf", "sjf+packing+packing"] {
      #expect(throws: WorkloadError.self, "\(name)") {
        try PolicyTable.policy(name, admission: usual)
      }
    }
  }

  // MARK: - Packing

  /// Whole prompts in a step, and a cache that does not hold everybody.
  static func configuration(blocks: Int) -> SchedulerConfiguration {
    var configuration = RandomWorkload.configuration(.continuous, .recompute)
    configuration.tokenBudget = 1 << 12
    configuration.maximumRunning = 64
    configuration.blockCount = blocks
    return configuration
  }

  @Test func `Who knows all lengths never preempts, and wastes no cache`() throws {
    var demandPreempted = 0
    var (packed, reserved) = (0.0, 0.0)
    for seed in 0..<20 as Range<UInt64> {
      let requests = RandomWorkload.requests(80, seed: seed)
      let configuration = Self.configuration(blocks: 40)
      for ordering in PolicyTable.orderings where !ordering.isPreemptive {
        func run(_ admission: any AdmissionPolicy) throws -> SimulationPropertyTests.Run {
          let run = try SimulationPropertyTests.run(
            requests, configuration, ordering: ordering, admission: admission,
            predictor: OraclePredictor())
          SimulationPropertyTests.expectConservation(run, requests, swaps: false)
          return run
        }
        func preemptions(_ run: SimulationPropertyTests.Run) -> Int {
          run.observer.events.count { $0.kind == .preempted }
        }
        func end(_ run: SimulationPropertyTests.Run) -> Double {
          run.observer.metrics.totals.end.seconds
        }
        let packing = try run(CachePacking())
        #expect(preemptions(packing) == 0, "\(ordering.name)")
        demandPreempted += preemptions(try run(OnDemand()))
        packed += end(packing)
        reserved += end(try run(WorstCase()))
      }
    }
    #expect(demandPreempted > 1000)
    #expect(packed < 0.97 * reserved, "\(packed) \(reserved)")
  }

  @Test func `Past one that does not fit those behind it get in`() throws {
    func admitted(reach: Int) throws -> [Int] {
      var scheduler = try Scheduler(
        Self.configuration(blocks: 10), admission: CachePacking(reach: reach))
      // Eight tokens a block: 3, 9 and 2 blocks at their ends.
      for (id, (input, output)) in [(10, 15), (60, 13), (9, 8)].enumerated() {
        let request = Request(
          id: id, arrival: .zero, inputLength: input, outputLength: output)
        _ = scheduler.submit(
          request, prediction: LengthPrediction(exactly: output), at: .zero)
      }
      var plan = StepPlan()
      scheduler.schedule(at: .zero, into: &plan)
      #expect(scheduler.waitingCount == 3 - plan.entries.count)
      return scheduler.events.filter { $0.kind == .admitted }.map(\.request)
    }
    #expect(try admitted(reach: 0) == [0])
    #expect(try admitted(reach: 1) == [0, 2])
  }

  /// Every order of `count` things.
  static func orders(_ count: Int) -> [[Int]] {
    guard count > 0 else { return [[]] }
    return orders(count - 1).flatMap { shorter in
      (0...shorter.count).map { place in
        var order = shorter
        order.insert(count - 1, at: place)
        return order
      }
    }
  }

  @Test func `Least work first, packed, comes near the best of all orders`() throws {
    var generator = SeededGenerator(seed: 3)
    var configuration = Self.configuration(blocks: 24)
    configuration.tokenBudget = 256
    var (packed, least, arrival) = (0.0, 0.0, 0.0)
    for _ in 0..<30 {
      let requests = (0..<6).map { id in
        Request(
          id: id, arrival: .zero, inputLength: Int.random(in: 1...90, using: &generator),
          outputLength: Int.random(in: 1...60, using: &generator))
      }
      func mean(
        _ requests: [Request], _ ordering: any OrderingPolicy, _ admission: any AdmissionPolicy
      ) throws -> Double {
        let run = try SimulationPropertyTests.run(
          requests, configuration, ordering: ordering, admission: admission,
          predictor: OraclePredictor())
        let latencies = run.observer.metrics.records.map(\.latency)
        return latencies.reduce(0, +) / Double(latencies.count)
      }
      let ours = try mean(requests, ShortestJobFirst(inputWeight: 0.5), CachePacking())
      // They come at once, so that their order is that of their ids.
      let best = try Self.orders(6).map { order in
        let ordered = order.enumerated().map { id, index in
          Request(
            id: id, arrival: .zero, inputLength: requests[index].inputLength,
            outputLength: requests[index].outputLength)
        }
        return try mean(ordered, FirstComeFirstServed(), CachePacking(reach: 0))
      }.min()
      packed += ours
      least += try #require(best)
      arrival += try mean(requests, FirstComeFirstServed(), OnDemand())
    }
    #expect(packed < 1.05 * least, "\(packed / least)")
    #expect(arrival > 1.15 * least, "\(arrival / least)")
  }
}
