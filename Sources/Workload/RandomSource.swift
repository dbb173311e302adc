#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Repeatable randomness: SplitMix64 (Steele, Lea and Flood, 2014), with the draws that a workload
/// needs. A value: two copies give the same numbers.
package struct RandomSource: RandomNumberGenerator, Sendable {
  private var state: UInt64

  package init(seed: UInt64) { state = seed }

  /// A source of its own for item `index`, whatever was drawn before.
  package init(seed: UInt64, item index: Int) {
    self.init(seed: seed)
    state = next() ^ (UInt64(truncatingIfNeeded: index) &* 0xD6E8_FEB8_6659_FD93)
    _ = next()
  }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// Uniform on the open interval (0, 1).
  package mutating func uniform() -> Double {
    (Double(next() >> 11) + 0.5) * 0x1p-53
  }

  /// Standard normal, by Box and Muller.
  package mutating func normal() -> Double {
    let radius = (-2 * log(uniform())).squareRoot()
    return radius * cos(2 * Double.pi * uniform())
  }

  /// Exponential with mean 1.
  package mutating func exponential() -> Double { -log(uniform()) }

  /// Gamma with the given shape and scale 1, by Marsaglia and Tsang (2000).
  package mutating func gamma(shape: Double) -> Double {
    guard shape >= 1 else {
      // Gamma(k) = Gamma(k + 1) * U^(1/k).
      return gamma(shape: shape + 1) * pow(uniform(), 1 / shape)
    }
    let d = shape - 1.0 / 3
    let c = 1 / (9 * d).squareRoot()
    while true {
      let x = normal()
      let v = (1 + c * x) * (1 + c * x) * (1 + c * x)
      if v > 0, log(uniform()) < 0.5 * x * x + d - d * v + d * log(v) { return d * v }
    }
  }

  /// Weibull with the given shape and scale.
  package mutating func weibull(shape: Double, scale: Double) -> Double {
    scale * pow(exponential(), 1 / shape)
  }
}
