import CKernels
import Support
import Testing

@Suite struct ConvertTests {
  /// Every sign and exponent, with fractions at and around the places where rounding changes.
  static let floats: [Float] = {
    var generator = SeededGenerator(seed: 1)
    var values: [Float] = []
    for top in 0..<UInt32(512) {
      for fraction in [0, 1, 0xFFF, 0x1000, 0x1001, 0x3000, 0x7FFF, 0x8000, 0x8001, 0x18000]
        as [UInt32]
      {
        values.append(Float(bitPattern: top << 23 | fraction))
        values.append(Float(bitPattern: top << 23 | 0x7F_FFFF - fraction))
        values.append(Float(bitPattern: top << 23 | .random(in: 0..<1 << 23, using: &generator)))
      }
    }
    return values
  }()

  /// bf16 by its definition: the nearer of the two neighbours, the even one when equally near.
  private func bf16(_ value: Float) -> UInt16 {
    let low = UInt16(truncatingIfNeeded: value.bitPattern >> 16)
    let rest = value.bitPattern & 0xFFFF
    let up = rest > 0x8000 || rest == 0x8000 && low & 1 == 1
    return up ? low + 1 : low
  }

  @Test func `Halves become the floats that they are`() {
    let halves = (0...UInt16.max).map { $0 }
    var floats = [Float](repeating: 0, count: halves.count)
    #expect(ft_convert(FT_F32, FT_F16, halves, halves.count, &floats) == halves.count)
    for (half, float) in zip(halves, floats) {
      let expected = Float(Float16(bitPattern: half))
      #expect(float.isNaN ? expected.isNaN : float.bitPattern == expected.bitPattern)
    }
    #expect(ft_convert(FT_F32, FT_BF16, halves, halves.count, &floats) == halves.count)
    #expect(zip(halves, floats).allSatisfy { UInt32($0) << 16 == $1.bitPattern })
  }

  @Test func `Floats round to the nearest half, and what is too large is found`() {
    for value in Self.floats {
      var half: UInt16 = 0
      let done = ft_convert(FT_F16, FT_F32, [value], 1, &half)
      let expected = Float16(value)
      if expected.isInfinite, value.isFinite {
        #expect(done == 0)
      } else {
        #expect(done == 1)
        #expect(
          expected.isNaN ? Float16(bitPattern: half).isNaN : half == expected.bitPattern,
          "\(value)")
      }
    }
  }

  @Test func `Floats round to the nearest bf16`() {
    for value in Self.floats {
      var half: UInt16 = 0
      let done = ft_convert(FT_BF16, FT_F32, [value], 1, &half)
      let rounded = Float(bitPattern: UInt32(half) << 16)
      if value.isNaN {
        #expect(done == 1 && rounded.isNaN)
      } else if value.isFinite, bf16(value) & 0x7FFF == 0x7F80 {
        #expect(done == 0)
      } else {
        #expect(done == 1 && half == bf16(value), "\(value)")
      }
    }
  }

  @Test func `Between halves a value goes through its float`() {
    let halves: [UInt16] = [0x3F80, 0x0001, 0xBF81, 0x4780]  // bf16: 1, tiny, -1.0078125, 65536
    var out = [UInt16](repeating: 7, count: 4)
    #expect(ft_convert(FT_F16, FT_BF16, halves, 4, &out) == 3)
    #expect(out == [Float16(1).bitPattern, 0, Float16(-1.007_812_5).bitPattern, 7])
    #expect(ft_convert(FT_BF16, FT_F16, [0x3C00, 0x7C00] as [UInt16], 2, &out) == 2)
    #expect(out[..<2] == [0x3F80, 0x7F80])
  }
}
