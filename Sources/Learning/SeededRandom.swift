/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): the same draws for the same seed on every
/// machine and with every version of the standard library.
///
/// The state is one number, so that a checkpoint can hold it, and several words make one seed
/// (`SeededRandom(seed, epoch)`), so that a stream can be found again without replaying another.
package struct SeededRandom: RandomNumberGenerator, Sendable {
  private var state: UInt64

  package init(_ words: UInt64...) {
    state = 0
    for word in words { state = Self.mix(state &+ 0x9E37_79B9_7F4A_7C15 ^ word) }
  }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    return Self.mix(state)
  }

  /// A number in `0 ..< 1` with 24 random bits.
  package mutating func uniform() -> Float { Float(next() >> 40) * 0x1p-24 }

  /// A number in `0 ..< bound`, by multiplying (Lemire 2019). The bias is below `bound / 2^64`.
  package mutating func below(_ bound: Int) -> Int {
    Int(truncatingIfNeeded: next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// A standard normal number (the polar method of Marsaglia and Bray).
  package mutating func normal() -> Float {
    while true {
      let x = 2 * Double(next() >> 11) * 0x1p-53 - 1
      let y = 2 * Double(next() >> 11) * 0x1p-53 - 1
      let square = x * x + y * y
      if square > 0, square < 1 {
        return Float(x * (-2 * Double.log(square) / square).squareRoot())
      }
    }
  }

  /// The numbers `0 ..< count` in random order (Fisher and Yates).
  package mutating func permutation(_ count: Int) -> [Int32] {
    var order = (0..<Int32(count)).map { $0 }
    for last in stride(from: count - 1, to: 0, by: -1) { order.swapAt(last, below(last + 1)) }
    return order
  }

  /// The finaliser of MurmurHash3 with the constants of SplitMix64: every bit depends on every bit.
  package static func mix(_ word: UInt64) -> UInt64 {
    var z = word
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
