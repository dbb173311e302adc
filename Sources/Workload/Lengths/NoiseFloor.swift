import Learning

/// What nobody can predict: how far one answer is from the middle of the other answers that the
/// same model gave to the same prompt.
///
/// The first draw of a row stands for the answer to come; the median of the others is what perfect
/// knowledge of the prompt would say, but for the noise of a median of nine. So the true floor is a
/// little lower.
package struct NoiseFloor: Equatable, Sendable {
  /// Rows of at least two draws: those that were counted.
  package var rowCount: Int
  /// Tokens.
  package var meanAbsoluteError: Double
  /// Tokens, against the mean of the others.
  package var rootMeanSquareError: Double
  /// Tau-b of the median of the others with the first draw.
  package var kendallTau: Double?
  /// The same inside windows of 32 rows in random order.
  package var kendallTauInWindows: Double?
  /// The fair continuous ranked probability score of the other draws, taken as an ensemble.
  package var rankedProbability: Double
  /// Shares of first draws within so many tokens.
  package var within50: Double
  package var within100: Double
  /// Variance within rows over all variance, of all draws.
  package var varianceShare: Double

  /// - Returns: nil if no row has two draws.
  package init?(_ rows: some Sequence<LengthRow>) {
    var first: [Double] = []
    var medians: [Double] = []
    var (squares, ranked) = (0.0, 0.0)
    var (drawCount, sum, sumOfSquares, within) = (0.0, 0.0, 0.0, 0.0)
    for row in rows where row.outputSizes.count > 1 {
      let others = row.outputSizes.dropFirst().sorted()
      let draw = Double(row.outputSizes[0])
      first.append(draw)
      medians.append(LengthStatistics.percentile(0.5, ofSorted: others))
      let mean = Double(others.reduce(0, +)) / Double(others.count)
      squares += (draw - mean) * (draw - mean)
      // One other draw is no ensemble: the fair score takes two.
      let score = try? rankedProbabilityScore(
        draws: others.map(Double.init), outcome: draw, fair: others.count > 1)
      ranked += score ?? 0

      let statistics = LengthStatistics(of: row.outputSizes)
      let count = Double(row.outputSizes.count)
      let variance = statistics.standardDeviation * statistics.standardDeviation
      drawCount += count
      sum += count * statistics.mean
      sumOfSquares += count * (variance + statistics.mean * statistics.mean)
      within += count * variance
    }
    guard !first.isEmpty else { return nil }
    let count = Double(first.count)
    let errors = zip(first, medians).map { abs($0 - $1) }
    let mean = sum / drawCount
    let variance = sumOfSquares / drawCount - mean * mean
    rowCount = first.count
    meanAbsoluteError = errors.reduce(0, +) / count
    rootMeanSquareError = (squares / count).squareRoot()
    kendallTau = rankCorrelation(medians, first)
    kendallTauInWindows = rankCorrelation(medians, first, window: 32, seed: 1)
    rankedProbability = ranked / count
    within50 = Double(errors.count { $0 <= 50 }) / count
    within100 = Double(errors.count { $0 <= 100 }) / count
    varianceShare = variance > 0 ? within / drawCount / variance : 0
  }
}

/// Kendall's tau-b; nil where it is not defined.
func rankCorrelation(_ x: [Double], _ y: [Double]) -> Double? {
  try? PointForecasts(predictions: x, outcomes: y).kendallTau
}

/// Mean tau-b inside windows of so many pairs in random order; nil where there is no full window.
func rankCorrelation(_ x: [Double], _ y: [Double], window: Int, seed: UInt64) -> Double? {
  var random = SeededRandom(seed, 4)
  let order = random.permutation(x.count).map { Int($0) }
  var taus: [Double] = []
  for start in stride(from: 0, through: order.count - window, by: window) {
    let part = order[start..<start + window]
    if let tau = rankCorrelation(part.map { x[$0] }, part.map { y[$0] }) { taus.append(tau) }
  }
  return taus.isEmpty ? nil : taus.reduce(0, +) / Double(taus.count)
}
