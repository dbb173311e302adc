import Testing
import Workload

/// One request at a time, each token one step of one length: then the engine is an M/G/1 queue,
/// whose mean wait is known.
@Suite struct QueueingTheoryTests {
  static let step = 0.01
  /// Answer lengths, equally likely; a service takes that many steps.
  static let lengths = [1, 2, 3, 5, 8, 13, 40, 80]

  /// Mean wait and its 99% interval, over requests drawn with this load.
  static func wait(
    load: Double, ordering: any OrderingPolicy, count: Int
  ) throws -> (mean: Double, margin: Double) {
    let pairs = lengths.map {
      Request(id: 0, arrival: .zero, inputLength: 1, outputLength: $0)
    }
    let mean = Double(lengths.reduce(0, +)) / Double(lengths.count) * step
    let client = ClientMix.Client(
      "all", arrivals: .poisson(rate: load / mean), lengths: LengthPairs(pairs))
    var configuration = SchedulerConfiguration()
    configuration.maximumRunning = 1
    var simulation = try Simulation(
      Scheduler(configuration, ordering: ordering),
      source: ClientMix(clients: [client], count: count, seed: 21),
      predictor: OraclePredictor(),
      model: StepTimeModel(
        overhead: step, prefillToken: 0, prefillContext: 0, decode: 0, decodeContext: 0),
      observer: ServiceMetrics())
    try simulation.run()
    // Batch means: waits of neighbours hang together, those of blocks of thousands hardly.
    let waits = simulation.observer.records.map(\.wait)
    let batches = 50
    let means = (0..<batches).map { batch in
      let part = waits[batch * count / batches..<(batch + 1) * count / batches]
      return part.reduce(0, +) / Double(part.count)
    }
    let average = means.reduce(0, +) / Double(batches)
    let variance = means.reduce(0) { $0 + ($1 - average) * ($1 - average) }
    let error = (variance / Double(batches - 1) / Double(batches)).squareRoot()
    return (average, 2.68 * error)
  }

  /// E[S^2] / 2 times the arrival rate: the mean residual work of who is being served.
  static func residual(load: Double) -> Double {
    let services = lengths.map { Double($0) * step }
    let mean = services.reduce(0, +) / Double(services.count)
    let square = services.reduce(0) { $0 + $1 * $1 } / Double(services.count)
    return load / mean * square / 2
  }

  @Test("First come, first served waits as Pollaczek and Khinchine say", arguments: [0.5, 0.8])
  func pollaczekKhinchine(load: Double) throws {
    let expected = Self.residual(load: load) / (1 - load)
    let (mean, margin) = try Self.wait(
      load: load, ordering: FirstComeFirstServed(), count: 1_000_000)
    #expect(abs(mean - expected) < margin, "\(mean) +- \(margin), expected \(expected)")
    #expect(margin / expected < 0.04)
  }

  @Test("Shortest job first waits as Phipps says", arguments: [0.5, 0.8])
  func phipps(load: Double) throws {
    // W = sum over classes of p_i R / ((1 - rho_{<i}) (1 - rho_{<=i})).
    let total = Double(Self.lengths.reduce(0, +))
    var expected = 0.0
    var before = 0.0
    for length in Self.lengths {
      let after = before + load * Double(length) / total
      expected += Self.residual(load: load) / ((1 - before) * (1 - after))
      before = after
    }
    expected /= Double(Self.lengths.count)
    let (mean, margin) = try Self.wait(
      load: load, ordering: ShortestJobFirst(.mean), count: 1_000_000)
    #expect(abs(mean - expected) < margin, "\(mean) +- \(margin), expected \(expected)")
    #expect(margin / expected < 0.04)
  }
}
