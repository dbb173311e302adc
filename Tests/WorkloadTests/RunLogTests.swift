import Testing
import Workload

@Suite struct RunLogTests {
  /// Lines of a log while it is written.
  final class Lines {
    var all: [String] = []
  }

  struct Run {
    var metrics: ServiceMetrics
    var lines: [String]
  }

  private func logged(
    _ ordering: any OrderingPolicy, _ batching: Batching, _ kind: PreemptionKind, seed: UInt64,
    skips: Bool = true, speculation: Speculation? = nil, jitter: [Float] = []
  ) throws -> Run {
    let requests = RandomWorkload.requests(40, seed: seed)
    var configuration = RandomWorkload.configuration(batching, kind)
    configuration.lookahead = speculation?.draftLength.limit ?? 0
    var model = RandomWorkload.model
    model.knees = [.init(tokens: 20, slope: Time(milliseconds: 0.05))]
    model.jitter = jitter
    let lines = Lines()
    let writer = RunLogWriter(
      RunLogHeader(
        policy: ordering.name, predictor: "noise", clock: .virtual, configuration: configuration,
        model: model)
    ) { lines.all.append($0) }
    var simulation = try Simulation(
      Scheduler(configuration, ordering: ordering), source: ListedRequests(requests),
      predictor: RandomWorkload.noise(requests), model: model, speculation: speculation,
      observer: Both(ServiceMetrics(), writer))
    simulation.skips = skips
    try simulation.run()
    return Run(metrics: simulation.observer.first, lines: lines.all)
  }

  private func read(_ lines: [String]) throws -> (RunLogHeader?, ServiceMetrics) {
    var reader = RunLogReader(BytesInMemory(lines.joined(separator: "\n")), name: "log")
    var fold = RunLogFold(ServiceMetrics())
    var header: RunLogHeader?
    while let record = try reader.next() {
      if case .run(let found) = record { header = found }
      fold.add(record)
    }
    return (header, fold.observer)
  }

  @Test("Metrics of a log are those of its run, to the bit", arguments: PreemptionKind.allCases)
  func metrics(_ kind: PreemptionKind) throws {
    var preemptions = 0
    for (index, ordering) in PolicyTable.orderings.enumerated() {
      for batching in Batching.allCases {
        let run = try logged(ordering, batching, kind, seed: UInt64(index))
        let (header, metrics) = try read(run.lines)
        #expect(metrics == run.metrics, "\(ordering.name) \(batching)")
        #expect(header?.policy == ordering.name)
        #expect(
          header?.model.knees.count == 1 && header?.model.overhead == RandomWorkload.model.overhead)
        preemptions += metrics.records.reduce(0) { $0 + Int($1.preemptions) }
      }
    }
    #expect(preemptions > 0)
  }

  @Test func `The log of a run that skips is that of one that steps, byte by byte`() throws {
    for (index, ordering) in PolicyTable.orderings.enumerated() {
      for batching in Batching.allCases {
        let skipped = try logged(ordering, batching, .recompute, seed: UInt64(50 + index))
        let stepped = try logged(
          ordering, batching, .recompute, seed: UInt64(50 + index), skips: false)
        #expect(skipped.lines == stepped.lines, "\(ordering.name) \(batching)")
        #expect(skipped.metrics == stepped.metrics)
        #expect(skipped.lines.contains { $0.contains("\"count\":") })
      }
    }
  }

  @Test func `Speculation and jitter are in the log too`() throws {
    let speculation = try Speculation(.fixed(3), acceptance: 0.7, acceptanceDeviation: 0.2)
    let drafted = try logged(
      ShortestRemaining(), .continuous, .recompute, seed: 3, speculation: speculation)
    #expect(try read(drafted.lines).1 == drafted.metrics)
    #expect(drafted.metrics.totals.accepted > 0)
    let uneven = try logged(
      FirstComeFirstServed(), .sarathi, .swap, seed: 4, jitter: [0.7, 1, 1.3])
    #expect(try read(uneven.lines).1 == uneven.metrics)
  }

  @Test(
    "A damaged line is refused with its place",
    arguments: [
      ("{\"event\":\"step\"", "stopped making sense"), ("{\"event\":\"nap\"}", "is no event"),
      ("{\"event\":\"step\",\"t\":1,\"blocks\":[1]}", "expected two numbers"),
      ("{\"event\":\"step\",\"t\":-1,\"blocks\":[1,2]}", "expected seconds"),
      (
        "{\"event\":\"step\",\"seconds\":9999,\"count\":999999999,\"blocks\":[1,2]}",
        "more than 92 days"
      ),
      ("{\"event\":\"arrive\",\"request\":1,\"output\":4}", "is missing"),
      ("{\"event\":\"run\",\"version\":2}", "of version 2"),
      ("{\"event\":\"finish\",\"tokens\":1.5}", "expected a whole number"),
    ])
  func damaged(_ line: String, _ problem: String) throws {
    let error = #expect(throws: WorkloadError.self) { try read([line]) }
    #expect(error?.description.contains("log:1") == true)
    #expect(error?.description.contains(problem) == true, "\(String(describing: error))")
  }

  @Test func `A trace for viewers has a slice for every phase and every row of steps`() throws {
    let run = try logged(FirstComeFirstServed(), .continuous, .recompute, seed: 8)
    let lines = Lines()
    var reader = RunLogReader(BytesInMemory(run.lines.joined(separator: "\n")), name: "log")
    var fold = RunLogFold(ChromeTrace { lines.all.append($0) })
    while let record = try reader.next() { fold.add(record) }
    fold.observer.end()
    #expect(lines.all.first == "[" && lines.all.last == "]")
    #expect(lines.all.dropLast(2).dropFirst().allSatisfy { $0.hasSuffix("},") })
    let preemptions = run.metrics.records.reduce(0) { $0 + Int($1.preemptions) }
    func count(_ name: String, _ process: Int) -> Int {
      lines.all.count { $0.contains("\"name\":\"\(name)\",\"pid\":\(process)") }
    }
    #expect(count("wait", 2) == 40 && count("preempted", 2) == preemptions && preemptions > 0)
    let rows = run.lines.count { $0.contains("\"event\":\"step\"") }
    #expect(count("decode", 1) + count("prefill", 1) + count("mixed", 1) == rows)
  }
}
