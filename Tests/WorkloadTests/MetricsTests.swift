import Testing
import Workload

@Suite struct MetricsTests {
  @Test func `Percentiles interpolate between ranks`() {
    let sample = Percentiles([4, 1, 3, 2])
    #expect(sample.median == 2.5)
    #expect(sample[0] == 1 && sample[1] == 4)
    #expect(abs(sample[0.9] - 3.7) < 1e-12)
    #expect(sample.mean == 2.5)
    #expect(Percentiles([])[0.5].isNaN)
  }

  @Test func `The histogram of gaps keeps percentiles to half a percent`() {
    var random = RandomSource(seed: 3)
    var histogram = GapHistogram()
    var values: [Double] = []
    for _ in 0..<500 {
      let first = Time(seconds: 0.001 + 0.05 * random.exponential())
      let increment = Time(picoseconds: Int64(random.uniform() * 4e7))
      let steps = Int.random(in: 1...300, using: &random)
      histogram.add(first, increment: increment, steps: steps, weight: 2)
      for step in 0..<steps {
        let value = first.seconds + increment.seconds * Double(step)
        values += [value, value]
      }
    }
    let exact = Percentiles(values)
    #expect(histogram.total == exact.count)
    #expect(abs(histogram.mean / exact.mean - 1) < 1e-9)
    for share in [0.01, 0.25, 0.5, 0.9, 0.99] {
      #expect(abs(histogram[share] / exact[share] - 1) < 0.008)
    }
  }

  @Test func `A row in the histogram is the same as its steps`() {
    var row = GapHistogram()
    var steps = GapHistogram()
    row.add(Time(milliseconds: 3), increment: Time(picoseconds: 7_777_777), steps: 900, weight: 3)
    for index in 0..<900 as Range<Int64> {
      steps.add(Time(picoseconds: 3_000_000_000 + 7_777_777 * index), weight: 3)
    }
    #expect(row.total == steps.total)
    for share in stride(from: 0.0, through: 1, by: 0.01) { #expect(row[share] == steps[share]) }
  }

  @Test func `A run of two requests has the metrics worked out by hand`() throws {
    // Steps of 1 s. Request 0: 3 tokens at 1, 2, 3 s. Request 1 comes at 0.5 s and runs from 3 s.
    let requests = [
      Request(id: 0, arrival: .zero, inputLength: 4, outputLength: 3),
      Request(id: 1, arrival: Time(seconds: 0.5), inputLength: 4, outputLength: 2),
    ]
    let model = StepTimeModel(
      overhead: 1, prefillToken: 0, prefillContext: 0, decode: 0, decodeContext: 0)
    var configuration = SchedulerConfiguration()
    configuration.maximumRunning = 1
    var simulation = try Simulation(
      Scheduler(configuration), source: ListedRequests(requests), model: model,
      observer: ServiceMetrics())
    try simulation.run()
    let summary = ServiceSummary(
      simulation.observer, model: model, tokenBudget: 2048,
      objective: .init(timeToFirstToken: 2, timePerToken: 1))
    #expect(summary.timeToFirstToken.sorted == [1, 3.5])
    #expect(summary.timePerToken.sorted == [1, 1])
    #expect(summary.latency.sorted == [3, 4.5])
    #expect(summary.normalisedLatency.sorted == [1, 2.25])
    #expect(summary.wait.sorted == [0, 2.5])
    #expect(summary.slowdown.sorted == [1, 2.25])
    #expect(summary.attainment == 0.5)
    #expect(summary.makespan == 5)
    #expect(summary.goodput == 0.2)
    #expect(summary.throughput == 0.4)
    #expect(summary.outputTokens == 5 && summary.inputTokens == 8)
    #expect(summary.gaps.total == 3)
    #expect(summary.totals.steps == 5)
    #expect(summary.totals.stepsWithPrefill == 2)
    #expect(summary.fairness == 1)
  }

  @Test func `Prefills of others show in the gaps between tokens`() throws {
    // A decode waits while another's prompt is computed alone: one gap of 1 + 1 s.
    var configuration = SchedulerConfiguration()
    configuration.batching = .prefillFirst
    let requests = [
      Request(id: 0, arrival: .zero, inputLength: 4, outputLength: 4),
      Request(id: 1, arrival: Time(seconds: 1.5), inputLength: 4, outputLength: 1),
    ]
    var simulation = try Simulation(
      Scheduler(configuration), source: ListedRequests(requests),
      model: StepTimeModel(
        overhead: 1, prefillToken: 0, prefillContext: 0, decode: 0, decodeContext: 0),
      observer: ServiceMetrics())
    try simulation.run()
    #expect(simulation.observer.gaps.total == 3)
    #expect(abs(simulation.observer.gaps[1] - 2) < 0.01)
    #expect(abs(simulation.observer.gaps.mean - 4.0 / 3) < 1e-9)
  }

  @Test func `Block intervals cover the mean of dependent values as often as they say`() {
    var random = RandomSource(seed: 17)
    var covered = 0
    var plain = 0
    for trial in 0..<100 {
      // An autoregressive series with mean 0: neighbours hang together.
      var value = 0.0
      let values = (0..<400).map { _ in
        value = 0.8 * value + random.normal()
        return value
      }
      func mean(_ sample: [Double]) -> Double { sample.reduce(0, +) / Double(sample.count) }
      let seed = UInt64(trial)
      let blocks = BlockBootstrap(blockLength: 40, resamples: 150, seed: seed)
      let single = BlockBootstrap(blockLength: 1, resamples: 150, seed: seed)
      covered += blocks.interval(values, mean)?.contains(0) == true ? 1 : 0
      plain += single.interval(values, mean)?.contains(0) == true ? 1 : 0
    }
    #expect(covered >= 82)
    #expect(plain < 65)
    #expect(BlockBootstrap().interval([1], { $0[0] }) == nil)
    let paired = BlockBootstrap().pairedInterval([3, 4, 5, 6], [1, 2, 3, 4])
    #expect(paired == 2...2)
  }
}
