/// One number that makes logits say true probabilities: `sigmoid(z / T)` (Guo et al. 2017).
package struct TemperatureScaling: Codable, Equatable, Sendable {
  package var temperature: Double

  package init(temperature: Double = 1) { self.temperature = temperature }

  /// Fits the temperature of least log loss on rows that the logits were not trained on.
  ///
  /// The loss is convex in `1/T`, whose slope is bisected. Where the best fit lies outside of
  /// `0.01 ... 100` (all outcomes certain, or unrelated to the logits), it ends there.
  ///
  /// - Parameter outcomes: Each in `0 ... 1`.
  /// - Throws: `shape`, `tooFewSamples` or `value`.
  package init(fitting logits: [Double], outcomes: [Double]) throws(LearningError) {
    try requireFinitePairs(logits, outcomes, at: "temperature scaling")
    guard outcomes.allSatisfy({ (0...1).contains($0) }) else {
      throw LearningError(.value, at: "temperature scaling", "an outcome is not in 0...1")
    }
    var (low, high) = (0.01, 100.0)
    for _ in 0..<60 {
      let inverse = (low * high).squareRoot()
      var slope = 0.0
      for (z, outcome) in zip(logits, outcomes) {
        slope += z * (Double.sigmoid(inverse * z) - outcome)
      }
      if slope < 0 { low = inverse } else { high = inverse }
    }
    temperature = 1 / (low * high).squareRoot()
  }

  package func probability(logit: Double) -> Double { .sigmoid(logit / temperature) }
}
