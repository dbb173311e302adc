/// Finite numbers, sorted once, and what is asked of them. Nil where there are none.
package struct Sample: Sendable, Equatable {
  /// Ascending.
  package let sorted: [Double]

  package init(_ values: some Sequence<Double>) { sorted = values.sorted() }

  package var count: Int { sorted.count }
  package var minimum: Double? { sorted.first }
  package var maximum: Double? { sorted.last }
  package var median: Double? { quantile(0.5) }

  package var mean: Double? {
    sorted.isEmpty ? nil : sorted.reduce(0, +) / Double(sorted.count)
  }

  /// Of the population that the numbers were drawn from (divides by n - 1); nil for fewer than two.
  package var standardDeviation: Double? {
    guard let mean, count > 1 else { return nil }
    let squares = sorted.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (squares / Double(count - 1)).squareRoot()
  }

  /// The number below which a fraction of 0 to 1 lies, on the line between its two neighbours: the
  /// definition of numpy, R (type 7) and spreadsheets (Hyndman & Fan, 1996).
  package func quantile(_ fraction: Double) -> Double? {
    guard let last = sorted.indices.last else { return nil }
    let place = max(0, min(1, fraction)) * Double(last)
    let below = Int(place)
    let share = place - Double(below)
    return sorted[below] + share * (sorted[min(below + 1, last)] - sorted[below])
  }

  /// `quantile` by hundredths: `percentile(95)`.
  package func percentile(_ percent: Double) -> Double? { quantile(percent / 100) }

  package var quartiles: (lower: Double, median: Double, upper: Double)? {
    guard let lower = quantile(0.25), let median, let upper = quantile(0.75) else { return nil }
    return (lower, median, upper)
  }

  /// The fraction of the numbers that are at most `value`.
  package func share(upTo value: Double) -> Double {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if sorted[middle] <= value { low = middle + 1 } else { high = middle }
    }
    return count == 0 ? 0 : Double(low) / Double(count)
  }
}
