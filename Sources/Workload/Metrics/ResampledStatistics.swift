/// Mean and percentiles of one number per request, and what they would have been had other stretches
/// of the same traffic come: blocks of consecutive requests drawn anew, as `BlockBootstrap` draws
/// them. All runs over the same number of requests get the same blocks for the same seed, so that
/// differences between runs can be taken resample by resample.
package struct ResampledStatistics: Equatable, Sendable {
  /// Shares below which the percentiles lie.
  package static let shares = [0.5, 0.9, 0.95, 0.99]
  /// The mean, then the percentiles of `shares`.
  package let values: [Double]
  /// The same of each resample.
  package let resamples: [[Double]]

  /// - Parameters:
  ///   - values: by request, in order of arrival; not a number for requests without one.
  ///   - count: how many resamples.
  package init(_ values: [Double], resamples count: Int, seed: UInt64) {
    let order = values.indices.filter { !values[$0].isNaN }.sorted { values[$0] < values[$1] }
    let sorted = order.map { values[$0] }
    var ranks = [Int](repeating: -1, count: values.count)
    for (rank, index) in order.enumerated() { ranks[index] = rank }
    self.values = Self.statistics(sorted, times: Array(repeating: 1, count: sorted.count))
    guard !sorted.isEmpty else {
      resamples = []
      return
    }
    let length = max(1, Int(Double(values.count).squareRoot()))
    var random = RandomSource(seed: seed)
    var times = [Int32](repeating: 0, count: sorted.count)
    resamples = (0..<count).map { _ in
      for rank in times.indices { times[rank] = 0 }
      var drawn = 0
      while drawn < values.count {
        // Circular, so that the first and last requests are as likely as any.
        var index = Int(random.uniform() * Double(values.count))
        for _ in 0..<min(length, values.count - drawn) {
          if ranks[index] >= 0 { times[ranks[index]] += 1 }
          index = index + 1 == values.count ? 0 : index + 1
        }
        drawn += length
      }
      return Self.statistics(sorted, times: times)
    }
  }

  /// Of a sample in which `sorted[i]` is `times[i]` times.
  private static func statistics(_ sorted: [Double], times: [Int32]) -> [Double] {
    var (count, sum) = (0, 0.0)
    for (value, times) in zip(sorted, times) where times > 0 {
      count += Int(times)
      sum += value * Double(times)
    }
    guard count > 0 else { return Array(repeating: .nan, count: shares.count + 1) }
    var result = [sum / Double(count)]
    var (index, passed) = (-1, 0)
    func value(place: Int) -> Double {
      while passed <= place, index + 1 < sorted.count {
        index += 1
        passed += Int(times[index])
      }
      return sorted[max(0, index)]
    }
    for share in shares {
      let place = share * Double(count - 1)
      let low = value(place: Int(place))
      let high = value(place: min(Int(place) + 1, count - 1))
      result.append(low + (high - low) * (place - place.rounded(.down)))
    }
    return result
  }
}
