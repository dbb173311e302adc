import CKernels
import Support
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

extension KernelTests {
  @Suite struct RowTests {
    static let counts = [1, 7, 8, 15, 16, 31, 32, 33, 47, 64, 100, 192, 769]

    @Test func `RMSNorm: every kernel alike, and near f64`() {
      for count in Self.counts {
        let x = [Float].random(count, seed: 1)
        let weight = [Float].random(count, seed: 2)
        func norm() -> [Float] {
          var out = [Float](repeating: 0, count: count)
          ft_rms_norm(x, weight, 1e-5, Int32(count), &out)
          return out
        }
        KernelTests.expectEqualBits("\(count) elements") { norm() }
        let mean = x.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(count)
        for (j, value) in norm().enumerated() {
          let expected = Double(x[j]) / (mean + 1e-5).squareRoot() * Double(weight[j])
          #expect(abs(Double(value) - expected) <= abs(expected) * 1e-6)
        }
      }
    }

    @Test func `RMSNorm works in place`() {
      for count in Self.counts {
        var x = [Float].random(count, seed: 3)
        let weight = [Float].random(count, seed: 4)
        var out = [Float](repeating: 0, count: count)
        ft_rms_norm(x, weight, 1e-5, Int32(count), &out)
        x.withUnsafeMutableBufferPointer { x in
          guard let base = x.baseAddress else { return }
          ft_rms_norm(base, weight, 1e-5, Int32(count), base)
        }
        #expect(x == out)
      }
    }

    @Test func `Rotation: every kernel alike, and a rotation`() {
      for (heads, size) in [(1, 2), (3, 6), (2, 16), (3, 30), (2, 64), (1, 80), (2, 128)] {
        let x = [Float].random(heads * size, seed: 5)
        let angles = [Float].random(size / 2, seed: 6, scale: 2)
        // Rational points of the circle, so that no library's cosine is asked.
        let cosine = angles.map { (1 - $0 * $0) / (1 + $0 * $0) }
        let sine = angles.map { 2 * $0 / (1 + $0 * $0) }
        func rotate() -> [Float] {
          var rotated = x
          ft_rope(&rotated, Int32(heads), Int32(size), cosine, sine)
          return rotated
        }
        KernelTests.expectEqualBits("\(heads) heads of \(size)") { rotate() }
        let rotated = rotate()
        for head in 0..<heads {
          for j in 0..<size / 2 {
            let (low, high) = (head * size + j, head * size + j + size / 2)
            let (c, s) = (Double(cosine[j]), Double(sine[j]))
            let expected = (
              Double(x[low]) * c - Double(x[high]) * s, Double(x[high]) * c + Double(x[low]) * s
            )
            #expect(abs(Double(rotated[low]) - expected.0) < 1e-6)
            #expect(abs(Double(rotated[high]) - expected.1) < 1e-6)
          }
        }
      }
    }

    @Test func `GELU times a second value: every kernel alike, and near f64`() {
      for count in Self.counts {
        let gate = [Float].random(count, seed: 11, scale: 6)
        let up = [Float].random(count, seed: 12)
        func geglu() -> [Float] {
          var out = [Float](repeating: 0, count: count)
          ft_geglu(gate, up, Int32(count), &out)
          return out
        }
        KernelTests.expectEqualBits("\(count) elements") { geglu() }
        for (j, value) in geglu().enumerated() {
          let x = Double(gate[j])
          let inner = 0.7978845608028654 * (x + 0.044715 * x * x * x)
          let expected = x / (1 + exp(-2 * inner)) * Double(up[j])
          #expect(abs(Double(value) - expected) <= 1e-6 * (abs(expected) + 1e-3))
        }
      }
    }

    @Test func `SwiGLU: every kernel alike, near f64, and right at both ends`() {
      for count in Self.counts {
        let gate = [Float].random(count, seed: 7, scale: 4)
        let up = [Float].random(count, seed: 8)
        func swiglu() -> [Float] {
          var out = [Float](repeating: 0, count: count)
          ft_swiglu(gate, up, Int32(count), &out)
          return out
        }
        KernelTests.expectEqualBits("\(count) elements") { swiglu() }
        for (j, value) in swiglu().enumerated() {
          let expected = Self.silu(Double(gate[j])) * Double(up[j])
          #expect(abs(Double(value) - expected) <= abs(expected) * 1e-6)
        }
      }
      let ends: [Float] = [-1e30, -200, -104, -88, -0.0, 0, 88, 104, 1e30, .infinity]
      let ones = [Float](repeating: 1, count: ends.count)
      KernelTests.expectEqualBits("the ends") {
        var out = [Float](repeating: 0, count: ends.count)
        ft_swiglu(ends, ones, Int32(ends.count), &out)
        #expect(out.suffix(4) == ends.suffix(4))
        #expect(out.prefix(4).allSatisfy { $0 <= 0 && $0 > -1e-30 })
        return out
      }
    }

    static func silu(_ x: Double) -> Double { x / (1 + exponential(-x)) }

    /// e^x as the 1024th power of a Taylor series: good to 1e-11 for |x| < 100.
    static func exponential(_ x: Double) -> Double {
      let s = x / 1024
      var result = 1 + s * (1 + s / 2 * (1 + s / 3 * (1 + s / 4 * (1 + s / 5))))
      for _ in 0..<10 { result *= result }
      return result
    }

    @Test func `Caps: every kernel alike, near f64, and right at both ends`() {
      for count in Self.counts {
        let x = [Float].random(count, seed: 13, scale: 9)
        func cap() -> [Float] {
          var capped = x
          ft_cap(&capped, 4, Int32(count))
          return capped
        }
        KernelTests.expectEqualBits("\(count) elements") { cap() }
        for (j, value) in cap().enumerated() {
          #expect(abs(Double(value) - 4 * tanh(Double(x[j]) / 4)) <= 2e-6)
        }
      }
      var ends: [Float] = [-.infinity, -1e30, 0, 1e30, .infinity]
      ft_cap(&ends, 4, Int32(ends.count))
      #expect(ends == [-4, -4, 0, 4, 4])
    }

    @Test func `Sums: every kernel alike`() {
      for count in Self.counts {
        let (x, y) = ([Float].random(count, seed: 9), [Float].random(count, seed: 10))
        KernelTests.expectEqualBits("\(count) elements") {
          var sum = x
          ft_add(&sum, y, Int32(count))
          #expect(sum == zip(x, y).map(+))
          return sum
        }
      }
    }
  }
}
