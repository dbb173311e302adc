import Testing

@testable import Learning

@Suite struct ScoreTests {
  private var random = SeededRandom(1)

  @Test("Brier, log loss and divergence by hand")
  func binary() throws {
    let forecasts = try BinaryForecasts(probabilities: [0.8, 0.3], outcomes: [1, 0.5])
    #expect(abs(forecasts.brierScore - (0.04 + 0.04) / 2) < 1e-12)
    let (a, b) = (-Double.log(0.8), -0.5 * Double.log(0.3) - 0.5 * Double.log(0.7))
    #expect(abs(forecasts.logLoss - (a + b) / 2) < 1e-12)
    #expect(abs(forecasts.divergence - (a + b - Double.log(2)) / 2) < 1e-12)
    let perfect = try BinaryForecasts(
      probabilities: [0.25, 0.5, 1, 0], outcomes: [0.25, 0.5, 1, 0])
    #expect(abs(perfect.divergence) < 1e-8)
    let wrong = try BinaryForecasts(probabilities: [0], outcomes: [1])
    #expect(wrong.logLoss.isFinite)
  }

  @Test("The area under the curve counts pairs, ties a half, soft outcomes by their weight")
  mutating func areaUnderCurve() throws {
    func area(_ p: [Double], _ y: [Double]) throws -> Double? {
      try BinaryForecasts(probabilities: p, outcomes: y).areaUnderCurve
    }
    #expect(try area([0.1, 0.2, 0.3], [0, 1, 1]) == 1)
    #expect(try area([0.3, 0.2, 0.1], [0, 1, 1]) == 0)
    #expect(try area([0.5, 0.5, 0.5], [0, 1, 1]) == 0.5)
    #expect(try area([0.5, 0.5, 0.9, 0.1], [0, 1, 1, 0]) == 3.5 / 4)
    #expect(try area([0.5, 0.6], [1, 1]) == nil)
    #expect(try area([0.5], [0.5]) == nil)

    // Against all pairs, one by one.
    let p = (0..<60).map { _ in Double(random.below(12)) / 12 }
    let y = (0..<60).map { _ in Double(random.below(5)) / 4 }
    var (wins, pairs) = (0.0, 0.0)
    for i in p.indices {
      for j in p.indices where i != j {
        let weight = y[i] * (1 - y[j])
        wins += weight * (p[i] > p[j] ? 1 : (p[i] == p[j] ? 0.5 : 0))
        pairs += weight
      }
    }
    #expect(abs((try area(p, y) ?? 0) - wins / pairs) < 1e-12)
  }

  @Test("Reliability bins by width and by mass, and the calibration error")
  func reliability() throws {
    let forecasts = try BinaryForecasts(
      probabilities: [0.05, 0.15, 0.11, 0.95, 1], outcomes: [0, 1, 0, 1, 1])
    let bins = forecasts.reliability(bins: 10)
    #expect(bins.map(\.count) == [1, 2, 2])
    #expect(abs(bins[1].meanProbability - 0.13) < 1e-12 && bins[1].meanOutcome == 0.5)
    let error = (1 * 0.05 + 2 * 0.37 + 2 * 0.025) / 5
    #expect(abs(forecasts.expectedCalibrationError(bins: 10) - error) < 1e-12)
    #expect(forecasts.reliability(bins: 2, by: .mass).map(\.count) == [3, 2])
    let tied = try BinaryForecasts(
      probabilities: [0.5, 0.5, 0.5, 0.5, 0.6], outcomes: [0, 1, 0, 1, 1])
    #expect(tied.reliability(bins: 5, by: .mass).map(\.count) == [4, 1])
    #expect(abs(tied.expectedCalibrationError(bins: 5, by: .mass) - 0.4 / 5) < 1e-12)
  }

  @Test("Calibrated forecasts have a small calibration error, distorted ones a large one")
  mutating func calibration() throws {
    let p = (0..<20_000).map { _ in Double(random.uniform()) }
    let y = p.map { Double(random.uniform()) < $0 ? 1.0 : 0 }
    #expect(try BinaryForecasts(probabilities: p, outcomes: y).expectedCalibrationError() < 0.01)
    let sharp = p.map { $0 * $0 / ($0 * $0 + (1 - $0) * (1 - $0)) }
    #expect(
      try BinaryForecasts(probabilities: sharp, outcomes: y).expectedCalibrationError() > 0.05)
  }

  @Test("Errors of point and quantile forecasts by hand")
  func pointAndQuantile() throws {
    let point = try PointForecasts(predictions: [1, 2, 3], outcomes: [1, 4, 0])
    #expect(abs(point.meanAbsoluteError - 5.0 / 3) < 1e-12)
    #expect(abs(point.rootMeanSquaredError - (13.0 / 3).squareRoot()) < 1e-12)
    #expect(abs(point.share(within: 2) - 2.0 / 3) < 1e-12)
    let quantile = try QuantileForecasts(
      level: 0.9, predictions: [1, 2, 3], outcomes: [1, 4, 0])
    #expect(abs(quantile.pinballLoss - (0 + 1.8 + 0.3) / 3) < 1e-12)
    #expect(abs(quantile.coverage - 2.0 / 3) < 1e-12)
    #expect(quantile.meanUnused == 1)
  }

  @Test("The ranked probability score by all pairs, fair and not")
  mutating func rankedProbability() throws {
    let draws = (0..<10).map { _ in Double(random.normal()) }
    var pairs = 0.0
    for a in draws { for b in draws { pairs += abs(a - b) } }
    let distance = draws.map { abs($0 - 0.3) }.reduce(0, +) / 10
    let fair = try rankedProbabilityScore(draws: draws, outcome: 0.3)
    let plain = try rankedProbabilityScore(draws: draws, outcome: 0.3, fair: false)
    #expect(abs(fair - (distance - pairs / 2 / 90)) < 1e-12)
    #expect(abs(plain - (distance - pairs / 2 / 100)) < 1e-12)
    #expect(try rankedProbabilityScore(draws: [2], outcome: 5, fair: false) == 3)
    #expect(throws: LearningError.self) { try rankedProbabilityScore(draws: [2], outcome: 5) }
  }

  @Test("The fair score of small ensembles of the truth is on average that of large ones")
  mutating func fairness() throws {
    var means = [2: 0.0, 50: 0.0]
    for _ in 0..<4000 {
      let outcome = Double(random.normal())
      for size in [2, 50] {
        let draws = (0..<size).map { _ in Double(random.normal()) }
        means[size, default: 0] += try rankedProbabilityScore(draws: draws, outcome: outcome) / 4000
      }
    }
    // E|x - y| / 2 of two standard normals is 1 / sqrt(pi).
    for mean in means.values { #expect(abs(mean - 0.5642) < 0.03) }
  }

  @Test("Kendall's tau-b by all pairs, with ties on both sides")
  mutating func kendall() throws {
    #expect(kendallTau([1, 2, 3], [10, 20, 30]) == 1)
    #expect(kendallTau([1, 2, 3], [30, 20, 10]) == -1)
    #expect(kendallTau([1, 1, 1], [1, 2, 3]) == nil)
    #expect(kendallTau([1], [1]) == nil)
    // (1,1) (2,1) (2,2) (3,3): 4 concordant pairs, one tie on each side.
    #expect(abs((kendallTau([1, 2, 2, 3], [1, 1, 2, 3]) ?? 0) - 4.0 / 5) < 1e-12)
    for (count, values) in [(2, 2), (3, 2), (17, 5), (100, 7), (101, 1000)] {
      let x = (0..<count).map { _ in Double(random.below(values)) }
      let y = (0..<count).map { _ in Double(random.below(values)) }
      var (score, untiedX, untiedY) = (0, 0, 0)
      for i in 0..<count {
        for j in 0..<i {
          let (a, b) = ((x[i] - x[j]), (y[i] - y[j]))
          score += a * b > 0 ? 1 : (a * b < 0 ? -1 : 0)
          untiedX += a != 0 ? 1 : 0
          untiedY += b != 0 ? 1 : 0
        }
      }
      let expected =
        untiedX > 0 && untiedY > 0
        ? Double(score) / (Double(untiedX) * Double(untiedY)).squareRoot() : nil
      let found = kendallTau(x, y)
      #expect((found == nil) == (expected == nil))
      #expect(abs((found ?? 0) - (expected ?? 0)) < 1e-12)
    }
  }

  @Test("Scores refuse what they cannot judge")
  func errors() {
    #expect(throws: LearningError.self) { try BinaryForecasts(probabilities: [], outcomes: []) }
    #expect(throws: LearningError.self) { try BinaryForecasts(probabilities: [1.1], outcomes: [1]) }
    #expect(throws: LearningError.self) {
      try BinaryForecasts(probabilities: [.nan], outcomes: [1])
    }
    #expect(throws: LearningError.self) { try PointForecasts(predictions: [1, 2], outcomes: [1]) }
    #expect(throws: LearningError.self) {
      try PointForecasts(predictions: [1], outcomes: [.infinity])
    }
    #expect(throws: LearningError.self) {
      try QuantileForecasts(level: 1, predictions: [1], outcomes: [1])
    }
  }
}
