/// Predicted probabilities of an event beside what happened, and the scores of the pair.
///
/// An outcome may be soft: the probability with which the event would have happened, such as the
/// `min(1, p/q)` with which a token is accepted.
package struct BinaryForecasts: Equatable, Sendable {
  package let probabilities: [Double]
  package let outcomes: [Double]

  /// - Throws: `shape` when the counts differ, `tooFewSamples` when there is none, `value` when a
  ///   number is not in `0 ... 1`.
  package init(probabilities: [Double], outcomes: [Double]) throws(LearningError) {
    try requirePairs(probabilities, outcomes, at: "binary forecasts")
    for index in probabilities.indices {
      for (name, value) in [("probability", probabilities[index]), ("outcome", outcomes[index])]
      where !(0...1).contains(value) {
        throw LearningError(.value, at: "binary forecast \(index)", "the \(name) is \(value)")
      }
    }
    self.probabilities = probabilities
    self.outcomes = outcomes
  }

  /// The mean of `(p - y)^2` (Brier 1950).
  package var brierScore: Double {
    mean { ($0 - $1) * ($0 - $1) }
  }

  /// The mean of `-y log p - (1 - y) log(1 - p)`, with `p` kept away from 0 and 1 by 1e-9.
  package var logLoss: Double {
    mean { probability, outcome in
      let p = min(max(probability, 1e-9), 1 - 1e-9)
      return -outcome * Double.log(p) - (1 - outcome) * Double.log(1 - p)
    }
  }

  /// The mean divergence `KL(outcome || prediction)` of the two Bernoulli distributions: the log loss
  /// less the part that no prediction could avoid. SpecDec++ reports it.
  package var divergence: Double {
    func entropy(_ y: Double) -> Double { y > 0 && y < 1 ? -y * Double.log(y) : 0 }
    return logLoss - mean { entropy($1) + entropy(1 - $1) }
  }

  /// The probability that an event got a higher prediction than a non-event, ties counting a half
  /// (Mann and Whitney 1947). Nil when all outcomes are the same certainty.
  ///
  /// With soft outcomes a forecast is an event with its outcome as weight and a non-event with the
  /// rest; it is not compared with itself.
  package var areaUnderCurve: Double? {
    let order = probabilities.indices.sorted { probabilities[$0] < probabilities[$1] }
    var (wins, nonEventsBelow) = (0.0, 0.0)
    var (events, selfPairs) = (0.0, 0.0)
    var start = 0
    while start < order.count {
      var end = start
      var (tiedEvents, tiedNonEvents) = (0.0, 0.0)
      while end < order.count, probabilities[order[end]] == probabilities[order[start]] {
        let y = outcomes[order[end]]
        tiedEvents += y
        tiedNonEvents += 1 - y
        selfPairs += y * (1 - y)
        end += 1
      }
      wins += tiedEvents * (nonEventsBelow + tiedNonEvents / 2)
      nonEventsBelow += tiedNonEvents
      events += tiedEvents
      start = end
    }
    let pairs = events * nonEventsBelow - selfPairs
    return pairs > 1e-12 ? (wins - selfPairs / 2) / pairs : nil
  }

  /// Forecasts of about the same probability, taken together.
  package struct ReliabilityBin: Codable, Equatable, Sendable {
    package var count: Int
    package var meanProbability: Double
    package var meanOutcome: Double
  }

  /// How forecasts are grouped for a reliability curve.
  package enum Binning: Sendable {
    /// By equal steps of the probability; bins without a forecast are left out.
    case width
    /// By rank, into bins of about the same count; equal probabilities stay together.
    case mass
  }

  /// The reliability curve, from the lowest probabilities to the highest.
  package func reliability(bins: Int = 10, by binning: Binning = .width) -> [ReliabilityBin] {
    var order = Array(probabilities.indices)
    if case .mass = binning { order.sort { probabilities[$0] < probabilities[$1] } }
    var sums = [(count: Int, probability: Double, outcome: Double)](
      repeating: (0, 0, 0), count: max(1, bins))
    var bin = 0
    for (rank, index) in order.enumerated() {
      let p = probabilities[index]
      switch binning {
      case .width: bin = min(Int(p * Double(sums.count)), sums.count - 1)
      case .mass:
        let tied = rank > 0 && probabilities[order[rank - 1]] == p
        if !tied { bin = rank * sums.count / order.count }
      }
      sums[bin].count += 1
      sums[bin].probability += p
      sums[bin].outcome += outcomes[index]
    }
    return sums.filter { $0.count > 0 }.map { sum in
      ReliabilityBin(
        count: sum.count, meanProbability: sum.probability / Double(sum.count),
        meanOutcome: sum.outcome / Double(sum.count))
    }
  }

  /// The mean distance of the reliability curve from the diagonal, weighted by count
  /// (Naeini, Cooper and Hauskrecht 2015).
  package func expectedCalibrationError(bins: Int = 10, by binning: Binning = .width) -> Double {
    reliability(bins: bins, by: binning).reduce(0) { sum, bin in
      sum + Double(bin.count) * abs(bin.meanProbability - bin.meanOutcome)
    } / Double(probabilities.count)
  }

  private func mean(_ score: (_ probability: Double, _ outcome: Double) -> Double) -> Double {
    var sum = 0.0
    for index in probabilities.indices { sum += score(probabilities[index], outcomes[index]) }
    return sum / Double(probabilities.count)
  }
}

/// - Throws: `shape` when the counts differ, `tooFewSamples` when there is nothing.
func requirePairs(
  _ predictions: [Double], _ outcomes: [Double], at place: String
) throws(LearningError) {
  guard predictions.count == outcomes.count else {
    throw LearningError(
      .shape, at: place, "\(predictions.count) predictions and \(outcomes.count) outcomes")
  }
  guard !predictions.isEmpty else { throw LearningError(.tooFewSamples, at: place, "are empty") }
}

/// - Throws: as `requirePairs`, and `value` when a number is not finite.
func requireFinitePairs(
  _ predictions: [Double], _ outcomes: [Double], at place: String
) throws(LearningError) {
  try requirePairs(predictions, outcomes, at: place)
  for index in predictions.indices {
    guard predictions[index].isFinite, outcomes[index].isFinite else {
      throw LearningError(
        .value, at: "\(place), row \(index)",
        "the prediction is \(predictions[index]) and the outcome \(outcomes[index])")
    }
  }
}
