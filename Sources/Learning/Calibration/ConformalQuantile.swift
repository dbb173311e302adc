/// A shift that makes a predicted quantile hold on new data, by the split-conformal argument
/// (Romano, Patterson and Candes 2019): if calibration rows and new rows are exchangeable, an outcome
/// exceeds its shifted prediction with a probability of at most `1 - level`.
///
/// Lengths spread in proportion to their size: give logarithms, and the shift is a factor.
package struct ConformalQuantile: Codable, Equatable, Sendable {
  /// The probability with which an outcome should not exceed its prediction.
  package let level: Double
  /// Added to each prediction.
  package let shift: Double

  /// Fits the shift on rows that the predictions were not trained on: the `ceil((n + 1) level)`-th
  /// smallest `outcome - prediction`.
  ///
  /// - Throws: `setting` when the level is not between 0 and 1, `tooFewSamples` when no finite shift
  ///   can promise the level, `shape` or `value` for bad rows.
  package init(
    fitting predictions: [Double], outcomes: [Double], level: Double
  ) throws(LearningError) {
    try requireFinitePairs(predictions, outcomes, at: "conformal quantile")
    self.level = level
    shift = try conformalRank(zip(outcomes, predictions).map { $0 - $1 }, level: level)
  }

  package func callAsFunction(_ prediction: Double) -> Double { prediction + shift }
}

/// The same for an interval: both ends move outwards (or inwards) by one margin, so that an outcome
/// lies inside with a probability of at least `level`.
package struct ConformalInterval: Codable, Equatable, Sendable {
  package let level: Double
  package let margin: Double

  /// - Throws: as `ConformalQuantile`.
  package init(
    fitting lower: [Double], _ upper: [Double], outcomes: [Double], level: Double
  ) throws(LearningError) {
    try requireFinitePairs(lower, outcomes, at: "conformal interval")
    try requireFinitePairs(upper, outcomes, at: "conformal interval")
    self.level = level
    margin = try conformalRank(
      outcomes.indices.map { max(lower[$0] - outcomes[$0], outcomes[$0] - upper[$0]) },
      level: level)
  }

  package func callAsFunction(_ lower: Double, _ upper: Double) -> (Double, Double) {
    (lower - margin, upper + margin)
  }
}

/// The `ceil((n + 1) level)`-th smallest score.
private func conformalRank(_ scores: [Double], level: Double) throws(LearningError) -> Double {
  guard level > 0, level < 1 else {
    throw LearningError(.setting, at: "conformal level", "\(level) is not between 0 and 1")
  }
  // The tolerance keeps (9 + 1) * 0.9 at 9 where rounding would make it 10.
  let rank = Int((Double(scores.count + 1) * level - 1e-9).rounded(.up))
  guard rank <= scores.count else {
    throw LearningError(
      .tooFewSamples, at: "conformal level",
      "\(scores.count) rows cannot promise \(level)",
      advice: "calibrate on at least \(Int((level / (1 - level) - 1e-9).rounded(.up))) rows")
  }
  return scores.sorted()[max(0, rank - 1)]
}
