import Testing

@testable import Learning

@Suite struct CalibrationTests {
  private var random = SeededRandom(1)

  @Test(
    "Temperature scaling finds the factor by which logits were blown up", arguments: [0.5, 1, 3])
  mutating func temperature(factor: Double) throws {
    let honest = (0..<20_000).map { _ in 2 * Double(random.normal()) }
    let outcomes = honest.map { Double(random.uniform()) < Double.sigmoid($0) ? 1.0 : 0 }
    let fit = try TemperatureScaling(fitting: honest.map { $0 * factor }, outcomes: outcomes)
    #expect(abs(fit.temperature / factor - 1) < 0.05)
    // With soft outcomes the answer is exact.
    let soft = try TemperatureScaling(
      fitting: honest.map { $0 * factor }, outcomes: honest.map { Double.sigmoid($0) })
    #expect(abs(soft.temperature / factor - 1) < 1e-6)
    #expect(abs(soft.probability(logit: 2 * factor) - Double.sigmoid(2)) < 1e-6)
  }

  @Test("Certain outcomes end at the limit and not in a loop")
  func certain() throws {
    let fit = try TemperatureScaling(fitting: [2, -3], outcomes: [1, 0])
    #expect(abs(fit.temperature - 0.01) < 1e-6)
    #expect(throws: LearningError.self) { try TemperatureScaling(fitting: [], outcomes: []) }
    #expect(throws: LearningError.self) { try TemperatureScaling(fitting: [1], outcomes: [2]) }
  }

  @Test(
    "Sequential scaling calibrates the product at every position",
    arguments: [true, false])
  mutating func sequential(byLogLoss: Bool) throws {
    // The head is too sure, by another factor at each position; long rounds are rarer.
    let factors = [2.0, 1.5, 3]
    var rounds: [SequentialTemperatureScaling.Round] = []
    var test: [SequentialTemperatureScaling.Round] = []
    for index in 0..<8000 {
      let honest = (0..<(1 + random.below(3))).map { _ in 1 + 1.5 * Double(random.normal()) }
      let accepted = honest.firstIndex { Double(random.uniform()) >= Double.sigmoid($0) }
      let round = SequentialTemperatureScaling.Round(
        logits: zip(honest, factors).map { $0 * $1 }, accepted: accepted ?? honest.count)
      if index % 2 == 0 { rounds.append(round) } else { test.append(round) }
    }
    let fit = try SequentialTemperatureScaling(
      fitting: rounds, objective: byLogLoss ? .logLoss : .calibrationError())
    #expect(fit.temperatures.count == 3)
    if byLogLoss {
      for (found, expected) in zip(fit.temperatures, factors) {
        #expect(abs(found / expected - 1) < 0.3)
      }
    }
    for position in 0..<3 {
      let reached = test.filter { $0.logits.count > position }
      func error(_ scaling: SequentialTemperatureScaling) throws -> Double {
        try BinaryForecasts(
          probabilities: reached.map { round in
            (0...position).reduce(1) {
              $0 * scaling.probability(logit: round.logits[$1], position: $1)
            }
          }, outcomes: reached.map { $0.prefixOutcomes[position] }
        ).expectedCalibrationError()
      }
      // Sampling noise alone is about 0.02 for the third of the rounds that get to the end.
      #expect(try error(fit) < 0.05)
      #expect(try error(fit) < error(SequentialTemperatureScaling(temperatures: [1])))
    }
  }

  @Test("Positions that few rounds reach take the temperature before them")
  func fewRounds() throws {
    var rounds = (0..<60).map {
      SequentialTemperatureScaling.Round(logits: [4], accepted: $0 % 2)
    }
    rounds.append(.init(logits: [4, 1], accepted: 2))
    let fit = try SequentialTemperatureScaling(fitting: rounds)
    #expect(fit.temperatures.count == 1)
    #expect(
      fit.probability(logit: 1, position: 5) == Double.sigmoid(1 / (fit.temperatures.first ?? 0)))
    let error = #expect(throws: LearningError.self) {
      try SequentialTemperatureScaling(fitting: Array(rounds.prefix(3)))
    }
    #expect(error?.code == .tooFewSamples)
  }

  @Test("Isotonic regression: pooled violators, weights, ties, straight lines between")
  func isotonic() throws {
    let fit = try IsotonicRegression(fitting: [1, 2, 3, 4, 5], [1, 3, 2, 2, 5])
    let pooled = 7.0 / 3
    #expect(fit(0) == 1 && fit(1) == 1)
    #expect(abs(fit(2) - pooled) < 1e-12 && abs(fit(3.3) - pooled) < 1e-12)
    #expect(abs(fit(1.5) - (1 + pooled) / 2) < 1e-12)
    #expect(fit(5) == 5 && fit(9) == 5)

    let weighted = try IsotonicRegression(fitting: [1, 2], [4, 1], weights: [1, 3])
    #expect(weighted(1) == 1.75 && weighted(2) == 1.75)

    // Points at one place are averaged before anything is pooled.
    for y in [[2, 1, 9], [2.0, 9, 1]] {
      let tied = try IsotonicRegression(fitting: [1, 2, 2], y)
      #expect(tied(1) == 2 && tied(2) == 5)
    }
    let falling = try IsotonicRegression(fitting: [1, 2, 3], [3, 2, 1])
    #expect(falling(1) == 2 && falling(3) == 2)
    #expect(throws: LearningError.self) { try IsotonicRegression(fitting: [], []) }
    #expect(throws: LearningError.self) {
      try IsotonicRegression(fitting: [1], [1], weights: [0])
    }
  }

  @Test("Isotonic regression is the best rising function: no other has a smaller squared error")
  mutating func isotonicIsBest() throws {
    let y = (0..<8).map { _ in Double(random.below(4)) }
    let x = (0..<8).map { Double($0) }
    let fit = try IsotonicRegression(fitting: x, y)
    let error = zip(x, y).reduce(0) { $0 + (fit($1.0) - $1.1) * (fit($1.0) - $1.1) }
    for _ in 0..<5000 {
      let other = (0..<8).map { _ in 3 * Double(random.uniform()) }.sorted()
      #expect(zip(other, y).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } >= error - 1e-12)
    }
  }

  @Test("A conformal shift is the promised rank, and too few rows are refused with a number")
  func conformalRank() throws {
    let outcomes = (1...9).map { Double($0) }
    let zeros = [Double](repeating: 0, count: 9)
    #expect(try ConformalQuantile(fitting: zeros, outcomes: outcomes, level: 0.9).shift == 9)
    #expect(try ConformalQuantile(fitting: zeros, outcomes: outcomes, level: 0.5).shift == 5)
    #expect(try ConformalQuantile(fitting: zeros, outcomes: outcomes, level: 0.01).shift == 1)
    let error = #expect(throws: LearningError.self) {
      try ConformalQuantile(fitting: zeros, outcomes: outcomes, level: 0.99)
    }
    #expect(error?.advice == "calibrate on at least 99 rows")
    let interval = try ConformalInterval(
      fitting: [0, 0, 0, 0], [0, 0, 0, 0], outcomes: [-4, 1, 2, 3], level: 0.6)
    #expect(interval.margin == 3)
    #expect(interval(0, 1) == (-3, 4))
  }

  @Test("Conformal quantiles and intervals cover what they promise on new rows")
  mutating func conformalCoverage() throws {
    // Predictions of zero for a skewed outcome: only the shift can cover.
    func draw(_ count: Int) -> [Double] {
      (0..<count).map { _ in Double.exp(Double(random.normal())) }
    }
    var covered = [0.1: 0.0, 0.5: 0, 0.9: 0]
    var inside = 0.0
    for _ in 0..<300 {
      let (calibration, new) = (draw(99), draw(20))
      let zeros = [Double](repeating: 0, count: 99)
      for level in covered.keys {
        let fit = try ConformalQuantile(fitting: zeros, outcomes: calibration, level: level)
        covered[level, default: 0] += Double(new.count { $0 <= fit(0) }) / 6000
      }
      let interval = try ConformalInterval(
        fitting: zeros, zeros, outcomes: calibration, level: 0.8)
      let (low, high) = interval(0, 0)
      inside += Double(new.count { $0 >= low && $0 <= high }) / 6000
    }
    for (level, share) in covered { #expect(abs(share - level) < 0.015) }
    #expect(abs(inside - 0.8) < 0.015)
  }
}
