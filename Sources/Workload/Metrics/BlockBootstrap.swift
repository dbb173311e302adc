/// Confidence intervals for statistics of requests that are not independent of their neighbours:
/// whole blocks of consecutive requests are resampled, so that a burst stays a burst.
package struct BlockBootstrap: Sendable {
  /// Requests in a block; by default the square root of how many there are.
  package var blockLength: Int?
  package var resamples: Int
  package var seed: UInt64

  package init(blockLength: Int? = nil, resamples: Int = 200, seed: UInt64 = 1) {
    self.blockLength = blockLength
    self.resamples = resamples
    self.seed = seed
  }

  /// The 2.5 and 97.5 percentiles of `statistic` over resamples of `values`, which are in order of
  /// arrival; `nil` for fewer than two values.
  package func interval(
    _ values: [Double], _ statistic: ([Double]) -> Double
  ) -> ClosedRange<Double>? {
    guard values.count > 1 else { return nil }
    let length = min(
      values.count, max(1, blockLength ?? Int(Double(values.count).squareRoot())))
    var random = RandomSource(seed: seed)
    var results: [Double] = []
    var sample: [Double] = []
    for _ in 0..<max(2, resamples) {
      sample.removeAll(keepingCapacity: true)
      while sample.count < values.count {
        // Circular, so that the first and last requests are as likely as any.
        let start = Int(random.uniform() * Double(values.count))
        for offset in 0..<min(length, values.count - sample.count) {
          sample.append(values[(start + offset) % values.count])
        }
      }
      results.append(statistic(sample))
    }
    let spread = Percentiles(results)
    let (low, high) = (spread[0.025], spread[0.975])
    return low <= high ? low...high : nil
  }

  /// The interval of the difference of two runs over the same arrivals, request by request.
  package func pairedInterval(_ first: [Double], _ second: [Double]) -> ClosedRange<Double>? {
    interval(zip(first, second).map { $0 - $1 }) { $0.reduce(0, +) / Double($0.count) }
  }
}
