import Testing
import Workload

@Suite struct ResampledStatisticsTests {
  private static let values: [Double] = {
    var random = RandomSource(seed: 3)
    return (0..<500).map { index -> Double in
      let drawn = random.exponential()
      return index % 50 == 7 ? .nan : drawn * Double(1 + index / 100)
    }
  }()

  @Test func `Mean and percentiles are those of the sample`() {
    let whole = ResampledStatistics(Self.values, resamples: 2, seed: 1)
    let plain = Percentiles(Self.values.filter { !$0.isNaN })
    let expected = [plain.mean] + ResampledStatistics.shares.map { plain[$0] }
    for (value, expected) in zip(whole.values, expected) {
      #expect(abs(value - expected) < 1e-12)
    }
  }

  @Test func `Its intervals are those of the block bootstrap`() throws {
    let values = Self.values.filter { !$0.isNaN }
    let resampled = ResampledStatistics(values, resamples: 300, seed: 9)
    for (index, share) in [nil, 0.5, 0.9].enumerated() {
      let statistic: ([Double]) -> Double = { sample in
        let all = Percentiles(sample)
        return share.map { all[$0] } ?? all.mean
      }
      let expected = try #require(
        BlockBootstrap(resamples: 300, seed: 9).interval(values, statistic))
      let spread = Percentiles(resampled.resamples.map { $0[index] })
      #expect(abs(spread[0.025] - expected.lowerBound) < 1e-9)
      #expect(abs(spread[0.975] - expected.upperBound) < 1e-9)
    }
  }

  @Test(
    "A timeline keeps the integral of queue and cache, however often it is folded",
    arguments: [4, 10, 200])
  func timeline(spans: Int) throws {
    let requests = RandomWorkload.requests(300, seed: 6)
    let configuration = RandomWorkload.configuration(.continuous, .recompute)
    var simulation = try Simulation(
      Scheduler(configuration), source: ListedRequests(requests), model: RandomWorkload.model,
      observer: Integrals(timeline: LoadTimeline(spans: spans)))
    try simulation.run()
    let sums = simulation.observer
    let points = sums.timeline.points
    let width = 2 * points[0].seconds
    #expect(points.count <= spans && 2 * points.count >= min(spans, Int(sums.end)))
    #expect(sums.waiting > 0 && sums.blocks > 0)
    var (waiting, blocks) = (0.0, 0.0)
    for point in points {
      waiting += point.waiting * width
      blocks += point.blocks * width
    }
    #expect(abs(waiting / sums.waiting - 1) < 1e-9)
    #expect(abs(blocks / sums.blocks - 1) < 1e-9)
  }

  private struct Integrals: SimulationObserver {
    var timeline: LoadTimeline
    var waiting = 0.0
    var blocks = 0.0
    var end = 0.0

    mutating func observe(_ run: StepRun) {
      timeline.observe(run)
      let seconds = (run.end - run.start).seconds
      waiting += seconds * Double(run.waiting)
      blocks += seconds * Double(run.blocksBefore + run.blocksAfter) / 2
      end = run.end.seconds
    }
  }
}
