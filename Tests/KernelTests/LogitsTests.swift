import CKernels
import Support
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

extension KernelTests {
  @Suite struct LogitsTests {
    static let counts = [1, 3, 15, 16, 17, 31, 33, 100, 255, 256, 257, 1000, 8192]

    /// A row of random logits; some with what a model that masks tokens, or breaks, would give.
    static func row(_ count: Int, special: [Float] = []) -> [Float] {
      var row = [Float].random(count, seed: UInt64(count), scale: 8)
      for (place, value) in zip(stride(from: 1, to: count, by: 7), special) { row[place] = value }
      return row
    }

    static let specials: [[Float]] = [[], [-.infinity, -200, -300], [.nan, 3]]

    @Test func `The largest value and its place: every kernel alike`() {
      for count in Self.counts {
        for special in Self.specials {
          let row = Self.row(count, special: special)
          let numbers = row.filter { !$0.isNaN }
          let largest = numbers.max() ?? -.infinity
          for level in KernelTests.levels {
            KernelTests.with(level) {
              #expect(ft_maximum(row, Int32(count)) == largest)
              let place = row.firstIndex(of: largest) ?? 0
              #expect(ft_argmax(row, Int32(count)) == Int32(place), "\(level), \(count)")
            }
          }
        }
      }
    }

    @Test func `Of equal values the place is the first one's`() {
      for count in Self.counts {
        let row = [Float](repeating: 2, count: count)
        #expect(ft_argmax(row, Int32(count)) == 0)
      }
    }

    @Test func `The shape of a row: every kernel alike, and near f64`() {
      for count in Self.counts {
        for special in Self.specials.dropLast() {
          let row = Self.row(count, special: special)
          func shape() -> ft_logits_shape {
            var shape = ft_logits_shape()
            ft_describe_logits(row, Int32(count), &shape)
            return shape
          }
          KernelTests.expectEqualBits("\(count) logits") {
            let (a, b, c, d) = shape().logits
            let (s, t, u, v) = shape().tokens
            return [a, b, c, d, shape().mass, shape().moment] + [s, t, u, v].map { Float($0) }
          }
          let top = Double(row.max() ?? 0)
          let distances = row.map { Double($0) - top }
          let weights = distances.map { exp($0) }
          let mass = weights.reduce(0, +)
          let moment = zip(weights, distances).reduce(0) { $0 + ($1.0 > 0 ? $1.0 * $1.1 : 0) }
          #expect(abs(Double(shape().mass) - mass) < mass * 1e-5)
          #expect(abs(Double(shape().moment) - moment) < 1e-5 * max(1, -moment))
        }
      }
    }

    @Test func `Weights: every kernel alike, and near f64`() {
      for count in Self.counts {
        for scale in [1, 0.5, 3] as [Float] {
          let row = Self.row(count, special: Self.specials[1])
          func weights() -> (weights: [Double], sum: Double) {
            var weights = [Double](repeating: 0, count: count)
            let sum = ft_softmax_weights(row, Int32(count), scale, &weights)
            return (weights, sum)
          }
          KernelTests.expectEqualBits("\(count) weights") {
            // The two halves of the sum; the weights are numbers of f32.
            let (weights, sum) = weights()
            let bits = [sum.bitPattern >> 32, sum.bitPattern & 0xFFFF_FFFF]
            return weights.map { Float($0) } + bits.map { Float(bitPattern: UInt32($0)) }
          }
          let (found, sum) = weights()
          let top = row.max() ?? 0
          for (j, weight) in found.enumerated() {
            let expected = exp(Double((row[j] - top) * scale))
            #expect(abs(weight - expected) <= max(expected * 1e-6, 1e-37))
          }
          #expect(abs(sum - found.reduce(0, +)) < sum * 1e-12)
        }
      }
    }
  }
}
