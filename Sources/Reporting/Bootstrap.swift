/// A number and the interval in which it would mostly lie if the prompts were drawn anew.
package struct Estimate: Sendable, Equatable, Codable {
  package var value: Double
  package var low: Double
  package var high: Double

  package init(value: Double, low: Double, high: Double) {
    self.value = value
    self.low = low
    self.high = high
  }
}

/// The paired percentile bootstrap (Efron & Tibshirani, 1993, chapter 13).
///
/// What is drawn anew is the prompts (requests, tasks), each with everything that was measured on
/// it, so that what makes a prompt easy or hard weighs on both sides of a comparison alike.
package struct Bootstrap: Sendable {
  package var seed: UInt64
  package var resamples: Int
  /// The share of resamples inside the interval.
  package var level: Double

  package init(seed: UInt64 = 0, resamples: Int = 2000, level: Double = 0.95) {
    self.seed = seed
    self.resamples = resamples
    self.level = level
  }

  /// - Parameters:
  ///   - rows: one row for each prompt, all of one length: what it adds to each sum.
  ///   - statistic: of the sums over prompts; nil where it is not defined.
  /// - Returns: nil when the statistic of all prompts is not defined. A single prompt has an
  ///   interval of no width, which says nothing about others.
  package func estimate(
    _ rows: [[Double]], _ statistic: ([Double]) -> Double?
  ) -> Estimate? {
    guard let width = rows.first?.count else { return nil }
    var sums = [Double](repeating: 0, count: width)
    func add(_ row: [Double]) { for index in sums.indices { sums[index] += row[index] } }
    rows.forEach(add)
    guard let value = statistic(sums) else { return nil }

    var generator = SplitMix64(seed: seed)
    var found: [Double] = []
    found.reserveCapacity(resamples)
    for _ in 0..<resamples {
      for index in sums.indices { sums[index] = 0 }
      for _ in rows { add(rows[generator.index(below: rows.count)]) }
      if let value = statistic(sums) { found.append(value) }
    }
    let sample = Sample(found)
    let tail = (1 - level) / 2
    return Estimate(
      value: value, low: sample.quantile(tail) ?? value, high: sample.quantile(1 - tail) ?? value)
  }

  /// The sum of the numerators over the sum of the denominators, prompt by prompt.
  package func ratio(of numerators: [Double], to denominators: [Double]) -> Estimate? {
    estimate(zip(numerators, denominators).map { [$0, $1] }) { sums in
      sums[1] != 0 ? sums[0] / sums[1] : nil
    }
  }

  /// The mean of the differences `first[i] - second[i]`.
  package func difference(_ first: [Double], _ second: [Double]) -> Estimate? {
    estimate(zip(first, second).map { [$0 - $1, 1] }) { sums in
      sums[1] != 0 ? sums[0] / sums[1] : nil
    }
  }
}
