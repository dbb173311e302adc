#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What is believed about the length of an answer before it is known: a distribution, given by
/// eight quantiles.
///
/// Between quantiles the distribution is uniform, beyond the last it falls off exponentially with
/// the slope of the last two. A value of 32 bytes without references: the scheduler keeps one for
/// each request and policies ask it inside the step.
package struct LengthPrediction: Equatable, Sendable {
  /// The probabilities whose quantiles are kept.
  package static let levels: [Double] = [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99]
  private static let level = SIMD8<Double>(0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)

  /// Tokens, by `levels`, ascending, at least 1.
  package let quantiles: SIMD8<Float>

  /// - Parameter quantiles: tokens by `levels`; lifted to be at least 1 and ascending.
  package init(quantiles: SIMD8<Float>) {
    var ascending = quantiles
    var floor: Float = 1
    for index in 0..<8 {
      let value = ascending[index]
      if value > floor { floor = value.isFinite ? value : floor }
      ascending[index] = floor
    }
    self.quantiles = ascending
  }

  /// The distribution of a sample of lengths: its quantiles by linear interpolation.
  ///
  /// - Parameter sorted: lengths in ascending order, at least one.
  package init(sorted: [Float]) {
    var values = SIMD8<Float>(repeating: 1)
    for index in 0..<8 where !sorted.isEmpty {
      values[index] = Self.interpolated(sorted, Self.level[index])
    }
    self.init(quantiles: values)
  }

  /// A length that is known: what oracles say.
  package init(exactly length: Int) {
    self.init(quantiles: SIMD8(repeating: Float(length)))
  }

  /// Of a length that is so many tokens more: from a rest to the whole.
  package func later(by tokens: Int) -> LengthPrediction {
    LengthPrediction(quantiles: quantiles + Float(tokens))
  }

  /// The value below which a share `level` of an ascending sample lies.
  package static func interpolated(_ sorted: [Float], _ level: Double) -> Float {
    let place = level * Double(sorted.count - 1)
    let low = min(max(Int(place), 0), sorted.count - 1)
    let high = min(low + 1, sorted.count - 1)
    let share = Float(place - Double(low))
    return sorted[low] + (sorted[high] - sorted[low]) * share
  }

  package var median: Double { Double(quantiles[3]) }

  /// Where the distribution begins: the density below the first quantile is that of the next part.
  private var start: Double {
    min(Double(quantiles[0]), max(1, Double(2 * quantiles[0] - quantiles[1])))
  }

  /// Mean excess beyond the 0.99 quantile.
  private var tailScale: Double { Double(quantiles[7] - quantiles[6]) / log(5) }

  /// P(length > `tokens`).
  package func survival(_ tokens: Double) -> Double {
    let last = Double(quantiles[7])
    if tokens >= last {
      let scale = tailScale
      return scale > 0 ? 0.01 * exp((last - tokens) / scale) : 0
    }
    var upper = 7
    while upper > 0, tokens < Double(quantiles[upper - 1]) { upper -= 1 }
    let low = upper == 0 ? start : Double(quantiles[upper - 1])
    if tokens < low { return 1 }
    let high = Double(quantiles[upper])
    let lowLevel = upper == 0 ? 0 : Self.level[upper - 1]
    let share = (tokens - low) / (high - low)
    return 1 - lowLevel - share * (Self.level[upper] - lowLevel)
  }

  /// The length that is not exceeded with probability `level`, in (0, 1).
  package func quantile(_ level: Double) -> Double {
    if level >= 0.99 {
      let beyond = max(1 - level, 1e-12)
      return Double(quantiles[7]) + tailScale * log(0.01 / beyond)
    }
    var upper = 0
    while level > Self.level[upper] { upper += 1 }
    let low = upper == 0 ? start : Double(quantiles[upper - 1])
    let lowLevel = upper == 0 ? 0 : Self.level[upper - 1]
    let share = (level - lowLevel) / (Self.level[upper] - lowLevel)
    return low + (Double(quantiles[upper]) - low) * share
  }

  /// What is left at `level` of a request that has produced `generated` tokens and goes on: the
  /// quantile of the distribution given that the length exceeds `generated`, less that; at least 1.
  package func remaining(_ level: Double, after generated: Int) -> Double {
    if generated == 0 { return max(1, quantile(level)) }
    let alive = survival(Double(generated))
    if alive <= 0 { return 1 }
    return max(1, quantile(1 - alive * (1 - level)) - Double(generated))
  }

  /// E[length - `generated` | length > `generated`], at least 1: the mean for `generated` = 0.
  package func expectedRemaining(after generated: Double = 0) -> Double {
    let alive = survival(generated)
    if alive <= 0 { return 1 }
    let scale = tailScale
    if generated >= Double(quantiles[7]) { return max(1, scale) }
    var area = 0.01 * scale
    var low = start
    var lowLevel = 0.0
    if generated < low { area += low - generated }
    for index in 0..<8 {
      let high = Double(quantiles[index])
      let highLevel = Self.level[index]
      if generated < high {
        let from = max(low, generated)
        let share = high > low ? (from - low) / (high - low) : 0
        let fromLevel = lowLevel + share * (highLevel - lowLevel)
        area += (high - from) * (1 - (fromLevel + highLevel) / 2)
      }
      (low, lowLevel) = (high, highLevel)
    }
    return max(1, area / alive)
  }

  /// The mean of the longest tenth: conditional value at risk at 0.9.
  package var tailMean: Double {
    let start = Double(quantiles[5])
    return start + expectedRemaining(after: start)
  }
}
