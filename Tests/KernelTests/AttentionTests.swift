import CKernels
import Support
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

extension KernelTests {
  @Suite struct AttentionTests {
    /// The keys and values of one head in blocks that lie apart and out of order, as in a cache.
    final class Cache {
      let size: Int
      let blocks: [UnsafeMutablePointer<Float>?]
      private let memory: UnsafeMutablePointer<Float>

      init(positions: Int, size: Int, keys: [Float], values: [Float]) {
        self.size = size
        let block = Int(FT_KV_BLOCK)
        let count = (positions + block - 1) / block
        let floats = 2 * block * size
        let memory = UnsafeMutablePointer<Float>.allocate(capacity: max(count, 1) * floats)
        self.memory = memory
        // What was never stored must not get into a result.
        memory.initialize(repeating: .nan, count: count * floats)
        blocks = (0..<count).map { memory + (count - 1 - $0) * floats }
        for position in 0..<positions {
          guard let target = blocks[position / block] else { continue }
          ft_kv_store(
            target, Int32(size), Int32(position % block),
            Array(keys[position * size..<(position + 1) * size]),
            Array(values[position * size..<(position + 1) * size]))
        }
      }

      deinit { memory.deallocate() }

      /// Tokens in a row, of which the first sees `positions`; `queries` of them, or all.
      func attend(
        _ q: [Float], group: Int, _ positions: Range<Int>, queries: Range<Int>? = nil,
        cap: Float = 0
      ) -> [Float] {
        let last = Int32(positions.upperBound + q.count / (group * size) - 1)
        var scratch = [Float](repeating: .nan, count: ft_attention_scratch(Int32(size), last))
        var out = [Float](repeating: -7, count: q.count)
        let queries = queries ?? 0..<q.count / size
        q.withUnsafeBufferPointer { q in
          scratch.withUnsafeMutableBufferPointer { scratch in
            out.withUnsafeMutableBufferPointer { out in
              blocks.withUnsafeBufferPointer { blocks in
                var attention = ft_attention(
                  q: q.baseAddress, q_stride: group * size, group: Int32(group),
                  head_dim: Int32(size), blocks: blocks.baseAddress,
                  first: Int32(positions.lowerBound), last: Int32(positions.upperBound),
                  scale: 1 / Float(size).squareRoot(), cap: cap, scratch: scratch.baseAddress,
                  out: out.baseAddress, out_stride: group * size)
                ft_attend(&attention, Int32(queries.lowerBound), Int32(queries.upperBound))
              }
            }
          }
        }
        return out
      }
    }

    @Test(
      "Every kernel alike, and near f64",
      arguments: [(1, 64), (2, 64), (3, 64), (4, 32), (7, 16), (8, 128), (5, 20), (3, 7), (6, 80)])
    func agreement(group: Int, size: Int) {
      let most = 200
      let keys = [Float].random(most * size, seed: 1)
      let values = [Float].random(most * size, seed: 2)
      let q = [Float].random(group * size, seed: 3)
      for range in [0..<1, 0..<31, 0..<32, 0..<33, 0..<64, 0..<200, 5..<40, 33..<34, 40..<170] {
        let cache = Cache(
          positions: range.upperBound, size: size, keys: keys, values: values)
        for cap: Float in [0, 0.75] {
          KernelTests.expectEqualBits("positions \(range), cap \(cap)") {
            cache.attend(q, group: group, range, cap: cap)
          }
          let out = cache.attend(q, group: group, range, cap: cap)
          let expected = Self.reference(
            q, keys, values, group: group, size: size, range, cap: Double(cap))
          #expect(zip(out, expected).allSatisfy { abs(Double($0) - $1) < 3e-6 }, "\(range)")
        }
      }
    }

    /// softmax(q k^T / sqrt(size)) v in f64, scores capped unless the cap is 0.
    static func reference(
      _ q: [Float], _ keys: [Float], _ values: [Float], group: Int, size: Int, _ range: Range<Int>,
      cap: Double
    ) -> [Double] {
      (0..<group).flatMap { g in
        let products = range.map { p in
          (0..<size).reduce(0.0) { $0 + Double(q[g * size + $1]) * Double(keys[p * size + $1]) }
            / Double(size).squareRoot()
        }
        let scores = products.map { cap == 0 ? $0 : cap * tanh($0 / cap) }
        let highest = scores.max() ?? 0
        let weights = scores.map { RowTests.exponential($0 - highest) }
        let total = weights.reduce(0, +)
        return (0..<size).map { d in
          zip(range, weights).reduce(0.0) { $0 + $1.1 * Double(values[$1.0 * size + d]) } / total
        }
      }
    }

    @Test func `A head alone equals a head in its group`() {
      let (group, size, most) = (7, 48, 90)
      let cache = Cache(
        positions: most, size: size, keys: .random(most * size, seed: 4),
        values: .random(most * size, seed: 5))
      let q = [Float].random(group * size, seed: 6)
      for level in KernelTests.levels {
        KernelTests.with(level) {
          let together = cache.attend(q, group: group, 0..<most)
          for g in 0..<group {
            let own = g * size..<(g + 1) * size
            #expect(cache.attend(Array(q[own]), group: 1, 0..<most) == Array(together[own]))
          }
        }
      }
    }

    @Test(
      "Tokens together equal each alone, and parts of their queries the whole",
      arguments: [(1, 64), (2, 64), (3, 64), (4, 48), (7, 16), (3, 7)])
    func together(group: Int, size: Int) {
      let (most, width) = (120, group * size)
      let cache = Cache(
        positions: most, size: size, keys: .random(most * size, seed: 11, scale: 2),
        values: .random(most * size, seed: 12))
      for (first, last, count) in [(0, 1, 9), (0, 28, 12), (0, 60, 40), (5, 33, 7), (33, 34, 30)] {
        let q = [Float].random(count * width, seed: UInt64(last))
        KernelTests.expectEqualBits("\(count) tokens, the first of \(first)..<\(last)") {
          cache.attend(q, group: group, first..<last)
        }
        for level in KernelTests.levels {
          KernelTests.with(level) {
            let together = cache.attend(q, group: group, first..<last)
            for i in 0..<count {
              let own = i * width..<(i + 1) * width
              let alone = cache.attend(Array(q[own]), group: group, first..<last + i)
              #expect(alone == Array(together[own]), "token \(i), \(level)")
            }
            let part = count * group / 3..<count * group - 1
            let partly = cache.attend(q, group: group, first..<last, queries: part)
            let elements = part.lowerBound * size..<part.upperBound * size
            #expect(partly[elements] == together[elements], "\(level)")
            #expect(partly[..<elements.lowerBound].allSatisfy { $0 == -7 })
            #expect(partly[elements.upperBound...].allSatisfy { $0 == -7 })
          }
        }
      }
    }

    @Test func `What lies past the last position changes no bit`() {
      let (size, most) = (64, 70)
      let keys = [Float].random(most * size, seed: 7, scale: 3)
      let values = [Float].random(most * size, seed: 8)
      let q = [Float].random(3 * size, seed: 9)
      let whole = Cache(positions: most, size: size, keys: keys, values: values)
      for level in KernelTests.levels {
        KernelTests.with(level) {
          for count in 1..<most {
            let exact = Cache(positions: count, size: size, keys: keys, values: values)
            #expect(
              whole.attend(q, group: 3, 0..<count) == exact.attend(q, group: 3, 0..<count),
              "\(count) positions, \(level)")
          }
        }
      }
    }

    @Test func `Nothing to attend to gives zeros`() {
      let cache = Cache(positions: 0, size: 8, keys: [], values: [])
      #expect(
        cache.attend(.random(16, seed: 10), group: 2, 0..<0) == [Float](repeating: 0, count: 16))
    }
  }
}
