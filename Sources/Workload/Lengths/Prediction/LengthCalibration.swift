import Learning

/// Conformal shifts of predicted quantiles, by model: what held-out answers of the model ask for, so
/// that a share of `level` of its new answers lies below the quantile.
///
/// Split-conformal (Romano, Patterson and Candès 2019) on the logarithms of lengths, so a shift is a
/// factor. The guarantee holds while new prompts are drawn like those of the calibration.
package struct LengthCalibration: Codable, Equatable, Sendable {
  /// A shift for each level of `LengthPrediction`, by model.
  private var byModel: [String: [Float]] = [:]
  /// For models that were not there.
  private var pooled = [Float](repeating: 0, count: LengthPrediction.levels.count)

  /// No shifts.
  package init() {}

  /// One prediction and the answers that came.
  struct Case: Sendable {
    var model: String
    /// Ascending, by `LengthPrediction.levels`.
    var logQuantiles: [Float]
    /// Natural logarithms of the draws.
    var logDraws: [Float]
  }

  /// - Throws: `tooFewSamples` when there are too few draws to promise the highest level.
  init(fitting cases: [Case]) throws(LearningError) {
    pooled = try Self.shifts(cases)
    for (model, cases) in Dictionary(grouping: cases, by: \.model) {
      // A hundred prompts say little about the tail: such a model keeps the shifts of all.
      byModel[model] = cases.count >= 100 ? try Self.shifts(cases) : pooled
    }
  }

  func shifts(for model: String) -> [Float] { byModel[model] ?? pooled }

  private static func shifts(_ cases: [Case]) throws(LearningError) -> [Float] {
    var shifts: [Float] = []
    for (index, level) in LengthPrediction.levels.enumerated() {
      var predictions: [Double] = []
      var outcomes: [Double] = []
      for example in cases {
        for draw in example.logDraws {
          predictions.append(Double(example.logQuantiles[index]))
          outcomes.append(Double(draw))
        }
      }
      let fit = try ConformalQuantile(fitting: predictions, outcomes: outcomes, level: level)
      shifts.append(Float(fit.shift))
    }
    return shifts
  }
}

/// How often a model's answers run away: shares of draws, each pulled to the share of all models as
/// far as its own draws leave it open.
package struct RunawayRates: Codable, Equatable, Sendable {
  private var byModel: [String: Double] = [:]
  private var pooled = 0.0
  /// Draws of evidence that the share of all models counts for.
  private static let prior = 2000.0

  package init() {}

  /// - Parameter rows: as they were collected, not sanitised.
  package init(_ rows: [LengthRow]) {
    func counts(_ rows: [LengthRow]) -> (runaway: Double, all: Double) {
      rows.reduce(into: (0, 0)) { sums, row in
        sums.all += Double(row.outputSizes.count)
        switch Sanitising.verdict(row) {
        case .sound: break
        case .mended(let mended):
          sums.runaway += Double(row.outputSizes.count - mended.outputSizes.count)
        case .hopeless: sums.runaway += Double(row.outputSizes.count)
        }
      }
    }
    let all = counts(rows)
    guard all.all > 0 else { return }
    pooled = all.runaway / all.all
    for (model, rows) in Dictionary(grouping: rows, by: \.model) {
      let own = counts(rows)
      byModel[model] = (own.runaway + Self.prior * pooled) / (own.all + Self.prior)
    }
  }

  package func probability(for model: String) -> Double { byModel[model] ?? pooled }
}
