/// Predicted numbers beside what happened, and the scores of the pair.
package struct PointForecasts: Equatable, Sendable {
  package let predictions: [Double]
  package let outcomes: [Double]

  /// - Throws: `shape` when the counts differ, `tooFewSamples` when there is none, `value` when a
  ///   number is not finite.
  package init(predictions: [Double], outcomes: [Double]) throws(LearningError) {
    try requireFinitePairs(predictions, outcomes, at: "point forecasts")
    self.predictions = predictions
    self.outcomes = outcomes
  }

  package var meanAbsoluteError: Double {
    zip(predictions, outcomes).reduce(0) { $0 + abs($1.0 - $1.1) } / Double(outcomes.count)
  }

  package var rootMeanSquaredError: Double {
    let sum = zip(predictions, outcomes).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    return (sum / Double(outcomes.count)).squareRoot()
  }

  /// The share of predictions that are off by no more than `distance`.
  package func share(within distance: Double) -> Double {
    Double(zip(predictions, outcomes).count { abs($0 - $1) <= distance }) / Double(outcomes.count)
  }

  /// Kendall's rank correlation with ties (tau-b); nil when predictions or outcomes are all equal.
  package var kendallTau: Double? { Learning.kendallTau(predictions, outcomes) }
}

/// Predictions of one quantile beside what happened, and the scores of the pair.
package struct QuantileForecasts: Equatable, Sendable {
  /// The share of outcomes that should not exceed their prediction.
  package let level: Double
  package let predictions: [Double]
  package let outcomes: [Double]

  /// - Throws: `setting` when the level is not between 0 and 1, and as `PointForecasts`.
  package init(
    level: Double, predictions: [Double], outcomes: [Double]
  ) throws(LearningError) {
    guard level > 0, level < 1 else {
      throw LearningError(.setting, at: "quantile forecasts", "a level of \(level)")
    }
    try requireFinitePairs(predictions, outcomes, at: "quantile forecasts")
    self.level = level
    self.predictions = predictions
    self.outcomes = outcomes
  }

  /// The mean of `max(t (y - q), (t - 1) (y - q))` for level t.
  package var pinballLoss: Double {
    zip(predictions, outcomes).reduce(0) { sum, pair in
      let residual = pair.1 - pair.0
      return sum + max(level * residual, (level - 1) * residual)
    } / Double(outcomes.count)
  }

  /// The share of outcomes that do not exceed their prediction: at best the level.
  package var coverage: Double {
    Double(zip(predictions, outcomes).count { $1 <= $0 }) / Double(outcomes.count)
  }

  /// The mean of what a reservation of the predicted size leaves unused.
  package var meanUnused: Double {
    zip(predictions, outcomes).reduce(0) { $0 + max(0, $1.0 - $1.1) } / Double(outcomes.count)
  }
}

/// The continuous ranked probability score of draws from a predicted distribution:
///
///     mean |x - y| - 1/2 mean |x - x'|
///
/// The fair form averages `|x - x'|` over pairs of different draws, `m (m - 1)` of them, and so does
/// not reward an ensemble for being small (Ferro 2014); the other form divides by `m^2` and is the
/// score of the draws taken as the whole distribution. O(m log m).
///
/// - Throws: `tooFewSamples` when there is no draw, or only one for the fair form; `value` when a
///   number is not finite.
package func rankedProbabilityScore(
  draws: [Double], outcome: Double, fair: Bool = true
) throws(LearningError) -> Double {
  let count = draws.count
  guard count > (fair ? 1 : 0) else {
    throw LearningError(.tooFewSamples, at: "ranked probability score", "\(count) draws")
  }
  guard outcome.isFinite, draws.allSatisfy(\.isFinite) else {
    throw LearningError(.value, at: "ranked probability score", "a number is not finite")
  }
  let distance = draws.reduce(0) { $0 + abs($1 - outcome) } / Double(count)
  // The k-th smallest (from 0) is above k draws and below count - 1 - k.
  var spread = 0.0
  for (rank, draw) in draws.sorted().enumerated() {
    spread += Double(2 * rank - (count - 1)) * draw
  }
  return distance - spread / (Double(count) * Double(fair ? count - 1 : count))
}
