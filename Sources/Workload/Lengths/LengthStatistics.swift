/// What a row says about its draws: CASTILLO's `output_mean`, `output_std`, `output_percentiles`.
///
/// Every figure is computed as NumPy computes it, operation by operation, so that a row made here
/// and one made by the authors' program from the same lengths are equal to the last digit.
package struct LengthStatistics: Hashable, Sendable {
  /// Tokens.
  package var mean: Double
  /// Of the population (divided by n), in tokens.
  package var standardDeviation: Double
  package var p25: Double
  package var p50: Double
  package var p75: Double
  package var p99: Double

  package init(
    mean: Double, standardDeviation: Double, p25: Double, p50: Double, p75: Double, p99: Double
  ) {
    self.mean = mean
    self.standardDeviation = standardDeviation
    self.p25 = p25
    self.p50 = p50
    self.p75 = p75
    self.p99 = p99
  }

  /// The unrounded statistics of at least one length.
  package init(of lengths: [Int]) {
    let sorted = lengths.sorted()
    let count = Double(lengths.count)
    let mean = Double(lengths.reduce(0, +)) / count
    let squares = lengths.map { (Double($0) - mean) * (Double($0) - mean) }
    self.init(
      mean: mean,
      standardDeviation: (Self.pairwiseSum(squares) / count).squareRoot(),
      p25: Self.percentile(0.25, ofSorted: sorted), p50: Self.percentile(0.5, ofSorted: sorted),
      p75: Self.percentile(0.75, ofSorted: sorted), p99: Self.percentile(0.99, ofSorted: sorted))
  }

  /// As an original row is written: mean and deviation to 2 decimals, percentiles to 3.
  package var rounded: LengthStatistics {
    LengthStatistics(
      mean: Self.rounded(mean, places: 2),
      standardDeviation: Self.rounded(standardDeviation, places: 2),
      p25: Self.rounded(p25, places: 3), p50: Self.rounded(p50, places: 3),
      p75: Self.rounded(p75, places: 3), p99: Self.rounded(p99, places: 3))
  }

  /// Standard deviation over mean.
  package var coefficientOfVariation: Double { standardDeviation / mean }

  /// Linear interpolation between closest ranks, `numpy.percentile`'s default (Hyndman and Fan's
  /// type 7), with its two-sided interpolation.
  package static func percentile(_ q: Double, ofSorted sorted: [Int]) -> Double {
    guard let last = sorted.last else { return .nan }
    let position = Double(sorted.count - 1) * q
    let below = Int(position)
    guard below + 1 < sorted.count else { return Double(last) }
    let (low, high) = (Double(sorted[below]), Double(sorted[below + 1]))
    let t = position - Double(below)
    return t >= 0.5 ? high - (high - low) * (1 - t) : low + (high - low) * t
  }

  /// The nearest decimal with so many places, a tie to the even one: Python's `round`.
  ///
  /// The product with the power of ten may round to a tie that is none; the fused remainder tells
  /// on which side the exact product lies.
  package static func rounded(_ value: Double, places: Int) -> Double {
    let scale = [1.0, 10, 100, 1000, 10_000, 100_000][places]
    let product = value * scale
    guard product.magnitude < 0x1p52 else { return value }
    let rest = (-product).addingProduct(value, scale)
    let floor = product.rounded(.down)
    if product - floor == 0.5, rest != 0 { return (rest > 0 ? floor + 1 : floor) / scale }
    return product.rounded(.toNearestOrEven) / scale
  }

  /// The order in which NumPy adds up to 128 numbers: eight sums side by side from eight on.
  private static func pairwiseSum(_ values: [Double]) -> Double {
    guard values.count >= 8 else { return values.reduce(0, +) }
    if values.count > 128 {
      let half = values.count / 2 - values.count / 2 % 8
      return pairwiseSum(Array(values[..<half])) + pairwiseSum(Array(values[half...]))
    }
    var sums = Array(values[..<8])
    let whole = values.count - values.count % 8
    for index in 8..<max(8, whole) { sums[index % 8] += values[index] }
    let sum =
      ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]))
    return values[whole...].reduce(sum, +)
  }
}
