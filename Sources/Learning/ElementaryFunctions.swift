#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

// The C library's functions, out of reach of the members below that have their names.
private func libraryExp(_ x: Double) -> Double { exp(x) }
private func libraryLog(_ x: Double) -> Double { log(x) }
private func libraryLog1p(_ x: Double) -> Double { log1p(x) }
private func libraryCos(_ x: Double) -> Double { cos(x) }

extension Double {
  static func exp(_ x: Double) -> Double { libraryExp(x) }
  static func log(_ x: Double) -> Double { libraryLog(x) }
  static func cos(_ x: Double) -> Double { libraryCos(x) }

  /// `1 / (1 + e^-x)`, without overflow on either side.
  static func sigmoid(_ x: Double) -> Double {
    let e = libraryExp(-x.magnitude)
    return x >= 0 ? 1 / (1 + e) : e / (1 + e)
  }

  /// `log(1 + e^x)`, without overflow on either side.
  static func softplus(_ x: Double) -> Double {
    max(x, 0) + libraryLog1p(libraryExp(-x.magnitude))
  }

  /// `log(p / (1 - p))`.
  static func logit(_ p: Double) -> Double { libraryLog(p) - libraryLog1p(-p) }
}

/// The width in which networks compute: two registers of the smallest x86-64, one of AVX.
typealias Lanes = SIMD8<Float>

extension Lanes {
  /// `e^x`, within two units in the last place for `-87 ... 88` and clamped to that range outside.
  ///
  /// Computed here and not by the C library, so that a network gives the same bits on every machine:
  /// `x = n log 2 + r` with `|r| <= log(2) / 2` (Cody and Waite), `e^r` by its Taylor polynomial of
  /// degree 7, `2^n` by its exponent bits.
  @inline(__always)
  static func exp(_ value: Lanes) -> Lanes {
    let x = value.clamped(lowerBound: Lanes(repeating: -87), upperBound: Lanes(repeating: 88))
    // Adding and taking away 1.5 * 2^23 rounds to an integer, and leaves it in the low bits.
    let shifter: Float = 12_582_912
    let shifted = x * 1.442_695_04 + shifter
    let n = shifted - shifter
    let r = (x - n * 0.693_359_375) + n * 2.121_944_4e-4
    var p = r * (1 / 5040) + (1 / 720)
    p = p * r + (1 / 120)
    p = p * r + (1 / 24)
    p = p * r + (1 / 6)
    p = p * r + 0.5
    p = p * (r * r) + r + 1
    let exponent = unsafeBitCast(shifted, to: SIMD8<UInt32>.self)
    let scale = (exponent &- (shifter.bitPattern &- 127)) &<< 23
    return p * unsafeBitCast(scale, to: Lanes.self)
  }

  /// `1 / (1 + e^-x)`.
  @inline(__always)
  static func sigmoid(_ x: Lanes) -> Lanes { 1 / (1 + exp(-x)) }
}
