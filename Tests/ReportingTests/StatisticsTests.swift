import Reporting
import Testing

@Suite struct StatisticsTests {
  @Test func `Quantiles lie on the line between neighbours, as numpy's do`() {
    // numpy.quantile([3, 1, 2, 10], [0, .25, .5, .75, .9, 1])
    let sample = Sample([3, 1, 2, 10])
    let expected = [1, 1.75, 2.5, 4.75, 7.9, 10]
    for (fraction, value) in zip([0, 0.25, 0.5, 0.75, 0.9, 1], expected) {
      #expect(abs((sample.quantile(fraction) ?? .nan) - value) < 1e-12)
    }
    #expect(sample.mean == 4)
    // sqrt((1 + 9 + 4 + 36) / 3)
    #expect(abs((sample.standardDeviation ?? .nan) - 4.082482904638630) < 1e-12)
    #expect(sample.share(upTo: 2) == 0.5 && sample.share(upTo: 0.5) == 0)
  }

  @Test func `A sample of nothing has no statistics, one of one number is that number`() {
    let nothing = Sample([])
    #expect(nothing.mean == nil && nothing.median == nil && nothing.quartiles == nil)
    #expect(nothing.share(upTo: 1) == 0)
    #expect(Sample([5]).percentile(99) == 5 && Sample([5]).standardDeviation == nil)
  }

  @Test func `A ratio is that of the sums, with the same interval for the same seed`() throws {
    let estimate = try #require(
      Bootstrap(seed: 1).ratio(of: [10, 20, 30, 44], to: [10, 10, 20, 12]))
    #expect(estimate.value == 2)
    #expect(estimate.low < 2 && estimate.high > 2)
    #expect(estimate.low >= 1 && estimate.high <= 44.0 / 12)
    #expect(Bootstrap(seed: 1).ratio(of: [10, 20, 30, 44], to: [10, 10, 20, 12]) == estimate)
    #expect(Bootstrap(seed: 2).ratio(of: [10, 20, 30, 44], to: [10, 10, 20, 12]) != estimate)
  }

  @Test func `With two prompts the interval is that of the three ways to draw them`() throws {
    // Means of pairs from {0, 1}: 0 with 1/4, 1/2 with 1/2, 1 with 1/4.
    let wide = try #require(Bootstrap(level: 0.95).difference([0, 1], [0, 0]))
    #expect(wide == Estimate(value: 0.5, low: 0, high: 1))
    let narrow = try #require(Bootstrap(level: 0.4).difference([0, 1], [0, 0]))
    #expect(narrow == Estimate(value: 0.5, low: 0.5, high: 0.5))
  }

  @Test func `Pairing takes out what makes prompts hard for both sides`() throws {
    // Times that differ by a factor of 1000 between prompts; one side is always 2 % faster.
    let slow = (0..<40).map { 1.02 * Double(1 + $0 % 4 * 1000) }
    let fast = slow.map { $0 / 1.02 }
    let paired = try #require(Bootstrap().ratio(of: slow, to: fast))
    #expect(abs(paired.low - 1.02) < 1e-9 && abs(paired.high - 1.02) < 1e-9)
  }

  @Test func `The interval of a mean is as wide as theory says`() throws {
    // 400 numbers of variance 1/12 about: the mean's standard error is 0.01443.
    var generator = SplitMix64(seed: 3)
    let values = (0..<400).map { _ in Double.random(in: 0..<1, using: &generator) }
    let estimate = try #require(
      Bootstrap().difference(values, [Double](repeating: 0, count: 400)))
    let width = estimate.high - estimate.low
    #expect(abs(width - 2 * 1.96 * 0.01443) < 0.006)
  }

  @Test func `No prompts, or nothing to divide by, give no estimate`() {
    #expect(Bootstrap().ratio(of: [], to: []) == nil)
    #expect(Bootstrap().ratio(of: [1], to: [0]) == nil)
    #expect(Bootstrap().estimate([[1], [2]]) { _ in nil } == nil)
  }

  @Test func `Reliability is the weighted distance between what was said and what came true`() {
    // Bin 0.2: said .2 twice, none came true. Bin 0.8: said .8 and .9, both came true.
    let found = Reliability(predictions: [0.2, 0.2, 0.8, 0.8], outcomes: [0, 0, 1, 1])
    #expect(found.bins.map(\.count) == [2, 2])
    #expect(abs(found.expectedError - 0.2) < 1e-12)
    #expect(abs(found.brierScore - 0.04) < 1e-12)
    #expect(Reliability(predictions: [1], outcomes: [1]).expectedError == 0)
    #expect(Reliability(predictions: [], outcomes: []).bins.isEmpty)
  }

  @Test func `A permutation holds every index once`() {
    var generator = SplitMix64(seed: 9)
    let order = generator.permutation(of: 50)
    #expect(order.sorted() == Array(0..<50) && order != Array(0..<50))
    #expect(generator.permutation(of: 0).isEmpty)
  }
}
