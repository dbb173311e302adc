/// Counts of times in buckets whose width is under 1% of their value: percentiles over millions of
/// tokens in a few kilobytes.
package struct GapHistogram: Equatable, Sendable {
  /// Buckets per doubling.
  private static let bucketsPerOctave = 128
  private static let mantissaShift = UInt64(52 - 7)

  private var counts: [Int] = []
  /// Number of the bucket that `counts[0]` stands for.
  private var lowest = 0
  package private(set) var total = 0
  /// Picoseconds: whole, so that it does not depend on how rows were cut.
  private var sum: Int128 = 0

  package init() {}

  private static func bucket(_ time: Time) -> Int {
    Int(Double(max(1, time.picoseconds)).bitPattern >> mantissaShift)
  }

  /// The least time of a bucket.
  private static func edge(_ bucket: Int) -> Double {
    Double(bitPattern: UInt64(bucket) << mantissaShift)
  }

  private mutating func add(_ bucket: Int, _ count: Int) {
    if counts.isEmpty { lowest = bucket }
    if bucket < lowest {
      counts.insert(contentsOf: repeatElement(0, count: lowest - bucket), at: 0)
      lowest = bucket
    }
    while bucket - lowest >= counts.count { counts.append(0) }
    counts[bucket - lowest] += count
  }

  /// Adds `first`, `first + increment`, ..., `steps` of them, each `weight` times.
  package mutating func add(_ first: Time, increment: Time = .zero, steps: Int = 1, weight: Int) {
    total += steps * weight
    let n = Int128(steps)
    sum +=
      Int128(weight)
      * (n * Int128(first.picoseconds) + Int128(increment.picoseconds) * (n * (n - 1) / 2))
    var index = 0
    while index < steps {
      let time = first.picoseconds + increment.picoseconds * Int64(index)
      let bucket = Self.bucket(Time(picoseconds: time))
      var next = steps
      if increment > .zero {
        // The first step whose time is in a later bucket.
        let distance = Int64(Self.edge(bucket + 1).rounded(.up)) - time
        let within = max(1, (distance + increment.picoseconds - 1) / increment.picoseconds)
        next = min(steps, index + Int(within))
      }
      add(bucket, (next - index) * weight)
      index = next
    }
  }

  package var mean: Double { total == 0 ? .nan : Double(sum) * 1e-12 / Double(total) }

  /// Seconds, to within half a bucket (0.4%).
  package subscript(share: Double) -> Double {
    guard total > 0 else { return .nan }
    let rank = share * Double(total - 1)
    var seen = 0
    for (index, count) in counts.enumerated() where count > 0 {
      seen += count
      if Double(seen) > rank {
        let bucket = lowest + index
        return (Self.edge(bucket) + Self.edge(bucket + 1)) / 2 * 1e-12
      }
    }
    return .nan
  }
}
