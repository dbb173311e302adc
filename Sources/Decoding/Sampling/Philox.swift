/// Philox 4x32-10: a random function of a key and a counter (Salmon et al., SC'11, "Parallel random
/// numbers: as easy as 1, 2, 3").
///
/// A function has no state that a batch mate, a policy or a retry could shift: the same key and
/// counter always give the same number.
package enum Philox {
  /// Four random words.
  package static func words(key: UInt64, counter: SIMD4<UInt32>) -> SIMD4<UInt32> {
    var (k0, k1) = (UInt32(truncatingIfNeeded: key), UInt32(truncatingIfNeeded: key >> 32))
    var c = counter
    for _ in 0..<10 {
      let a = UInt64(0xD251_1F53) &* UInt64(c[0])
      let b = UInt64(0xCD9E_8D57) &* UInt64(c[2])
      c = SIMD4(
        UInt32(truncatingIfNeeded: b >> 32) ^ c[1] ^ k0, UInt32(truncatingIfNeeded: b),
        UInt32(truncatingIfNeeded: a >> 32) ^ c[3] ^ k1, UInt32(truncatingIfNeeded: a))
      k0 &+= 0x9E37_79B9
      k1 &+= 0xBB67_AE85
    }
    return c
  }

  /// A number in [0, 1) with 53 random bits, of two words.
  package static func unit(_ high: UInt32, _ low: UInt32) -> Double {
    Double((UInt64(high) << 32 | UInt64(low)) >> 11) * 0x1p-53
  }
}
