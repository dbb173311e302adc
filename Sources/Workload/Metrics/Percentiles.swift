/// Order statistics of a sample.
package struct Percentiles: Equatable, Sendable {
  /// Ascending.
  package let sorted: [Double]
  package let mean: Double

  package init(_ values: [Double]) {
    sorted = values.sorted()
    mean = values.isEmpty ? .nan : values.reduce(0, +) / Double(values.count)
  }

  package var count: Int { sorted.count }
  package var maximum: Double { sorted.last ?? .nan }

  /// The value below which `share` of the sample lies, by linear interpolation; not a number for an
  /// empty sample.
  package subscript(share: Double) -> Double {
    guard let last = sorted.last else { return .nan }
    let place = share * Double(sorted.count - 1)
    let low = Int(place)
    guard low + 1 < sorted.count else { return last }
    return sorted[low] + (sorted[low + 1] - sorted[low]) * (place - Double(low))
  }

  package var median: Double { self[0.5] }
}
