import Transformer

extension Duration {
  var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }
}

extension [Double] {
  /// Lower quartile, median and upper quartile, by nearest rank.
  var quartiles: (Double, Double, Double) {
    let sorted = sorted()
    func rank(_ share: Double) -> Double { sorted[Int(Double(sorted.count - 1) * share + 0.5)] }
    return isEmpty ? (.nan, .nan, .nan) : (rank(0.25), rank(0.5), rank(0.75))
  }

  var median: Double { quartiles.1 }
}

extension Double {
  func rounded(_ digits: Int) -> Double {
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    return (self * scale).rounded() / scale
  }
}

/// Reads a buffer with a team, for the bandwidth that bounds decoding: the floor of a step is the time
/// in which the same workers merely read as many bytes, from memory of the same kind.
struct BandwidthProbe {
  let team: WorkerTeam
  private let buffer: AlignedBuffer

  init(team: WorkerTeam, bytes: Int) throws {
    self.team = team
    buffer = try AlignedBuffer(byteCount: bytes, purpose: "bandwidth probe")
    // Untouched pages would all be one page of zeros.
    for offset in stride(from: 0, to: bytes, by: 64) {
      buffer.pointer.storeBytes(of: 1, toByteOffset: offset, as: UInt8.self)
    }
  }

  /// Seconds for one pass over the buffer.
  func measure() -> Double {
    let values = buffer.pointer.assumingMemoryBound(to: SIMD8<UInt64>.self)
    return ContinuousClock().measure {
      team.split(buffer.byteCount / 64) { range, _ in
        var sums = (SIMD8<UInt64>(), SIMD8<UInt64>(), SIMD8<UInt64>(), SIMD8<UInt64>())
        var index = range.lowerBound
        while index + 4 <= range.upperBound {
          sums.0 &+= values[index]
          sums.1 &+= values[index + 1]
          sums.2 &+= values[index + 2]
          sums.3 &+= values[index + 3]
          index += 4
        }
        // The sum of ones cannot be zero here; the test keeps the reads alive.
        if (sums.0 &+ sums.1 &+ sums.2 &+ sums.3).wrappedSum() == 0, range.count > 4 {
          print("the buffer was not read")
        }
      }
    }.seconds
  }
}
