/// How far predicted probabilities can be trusted: of what was predicted with p, a share p should
/// come true (Guo et al., 1706.04599).
package struct Reliability: Sendable, Equatable {
  package struct Bin: Sendable, Equatable {
    package var count: Int
    /// Mean of the predictions.
    package var predicted: Double
    /// Mean of the outcomes.
    package var observed: Double
  }

  /// Bins of equal width over 0 to 1 that have predictions, ascending.
  package let bins: [Bin]
  package let count: Int
  /// The mean distance of predicted from observed, weighted by how many (ECE).
  package let expectedError: Double
  /// The mean squared distance of a prediction from its outcome (Brier, 1950).
  package let brierScore: Double

  /// - Parameters:
  ///   - predictions: probabilities.
  ///   - outcomes: 0 or 1, or what the probability really was.
  package init(predictions: [Double], outcomes: [Double], binCount: Int = 10) {
    var sums = [(count: Int, predicted: Double, observed: Double)](
      repeating: (0, 0, 0), count: binCount)
    var squares = 0.0
    for (prediction, outcome) in zip(predictions, outcomes) {
      let bin = max(0, min(binCount - 1, Int(prediction * Double(binCount))))
      sums[bin].count += 1
      sums[bin].predicted += prediction
      sums[bin].observed += outcome
      squares += (prediction - outcome) * (prediction - outcome)
    }
    bins = sums.filter { $0.count > 0 }.map { sum in
      Bin(
        count: sum.count, predicted: sum.predicted / Double(sum.count),
        observed: sum.observed / Double(sum.count))
    }
    let all = min(predictions.count, outcomes.count)
    count = all
    expectedError = bins.reduce(0) {
      $0 + abs($1.predicted - $1.observed) * Double($1.count) / Double(all)
    }
    brierScore = all > 0 ? squares / Double(all) : 0
  }
}
