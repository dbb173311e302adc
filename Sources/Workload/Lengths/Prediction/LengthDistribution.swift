/// What is believed about the length of an answer: how long it is if it ends by itself, and how
/// likely it is that it does not (runs away, repeating itself until a limit stops it).
package struct LengthDistribution: Equatable, Sendable {
  /// Given that the answer ends by itself.
  package var answer: LengthPrediction
  /// The probability that it runs away, in 0 ..< 1.
  package var runawayProbability: Double
  /// Where a runaway answer is stopped, in tokens.
  package var limit: Double

  package init(
    answer: LengthPrediction, runawayProbability: Double = 0,
    limit: Double = Double(Sanitising.cap)
  ) {
    self.answer = answer
    self.runawayProbability = min(max(0, runawayProbability), 0.999_999)
    self.limit = limit
  }

  /// - Parameters:
  ///   - logQuantiles: natural logarithms, by `LengthPrediction.levels`.
  ///   - shifts: added to them.
  init(logQuantiles: [Float], shifts: [Float], runawayProbability: Double) {
    var quantiles = SIMD8<Float>()
    for level in logQuantiles.indices {
      quantiles[level] = exponential(logQuantiles[level] + shifts[level])
    }
    self.init(
      answer: LengthPrediction(quantiles: quantiles), runawayProbability: runawayProbability)
  }

  package var median: Double { quantile(0.5) }

  /// Its quantiles, those of runaway answers among them.
  package var prediction: LengthPrediction {
    var quantiles = SIMD8<Float>()
    for (index, level) in LengthPrediction.levels.enumerated() {
      quantiles[index] = Float(quantile(level))
    }
    return LengthPrediction(quantiles: quantiles)
  }

  /// E[length].
  package var mean: Double {
    (1 - runawayProbability) * answer.expectedRemaining() + runawayProbability * limit
  }

  /// P(length > `tokens`).
  package func survival(_ tokens: Double) -> Double {
    let runaway = tokens < limit ? runawayProbability : 0
    return (1 - runawayProbability) * answer.survival(tokens) + runaway
  }

  /// The length that is not exceeded with probability `level`, in (0, 1).
  package func quantile(_ level: Double) -> Double {
    let share = level / (1 - runawayProbability)
    return share < 1 ? min(answer.quantile(share), limit) : limit
  }

  /// P(runaway | the answer has `generated` tokens and goes on): it grows as the answer outlives
  /// what was expected of it.
  package func runawayProbability(after generated: Int) -> Double {
    let ending = (1 - runawayProbability) * answer.survival(Double(generated))
    let all = ending + runawayProbability
    return all > 0 ? runawayProbability / all : 0
  }

  /// What is left at `level` of an answer that has `generated` tokens and goes on; at least 1.
  package func remaining(_ level: Double, after generated: Int) -> Double {
    let start = Double(generated)
    let alive = survival(start)
    guard alive > 0 else { return 1 }
    return max(1, quantile(1 - alive * (1 - level)) - start)
  }

  /// E[length - `generated` | length > `generated`], at least 1.
  package func expectedRemaining(after generated: Int) -> Double {
    let runaway = runawayProbability(after: generated)
    return max(
      1,
      (1 - runaway) * answer.expectedRemaining(after: Double(generated))
        + runaway * max(1, limit - Double(generated)))
  }
}
