import CKernels
import Support
import Testing

extension KernelTests {
  @Suite struct ProductTests {
    /// Row counts around a panel, and column counts around what the kernels take at a time.
    static let shapes: [(rows: Int, columns: Int)] = [
      (1, 1), (16, 3), (5, 64), (17, 66), (48, 65), (70, 127), (150, 192), (33, 1100), (90, 2100),
    ]

    @Test("Every kernel, batch size and team size gives the bits of the law", arguments: shapes)
    func agreement(rows: Int, columns: Int) throws {
      let weights = [Float].random(rows * columns, seed: 1, scale: 0.1)
      let most = columns < 500 ? 53 : 21
      let stride = columns + 5
      let x = [Float].random(most * stride, seed: 2)
      for type in PackedMatrix.types {
        let matrix = PackedMatrix(type, rows: rows, columns: columns, weights)
        let law = KernelTests.with("scalar") {
          (0..<most).map { matrix.multiply(Array(x[($0 * stride)...]), count: 1).map(\.bitPattern) }
        }
        for level in KernelTests.levels {
          try KernelTests.with(level) {
            for n in level == "scalar" ? [2, 5] : Array(1...21) {
              let bits = matrix.multiply(x, count: n, stride: stride).map(\.bitPattern)
              #expect(bits == Array(law[..<n].joined()), "\(type.name), \(level), n = \(n)")
            }
            for threads: Int32 in [1, 2, 3] {
              let team = try Team(threads)
              for n in level == "scalar" ? [3] : [1, 4, 11, most] {
                let y = matrix.multiply(x, count: n, stride: stride, team: team)
                #expect(
                  y.map(\.bitPattern) == Array(law[..<n].joined()),
                  "\(type.name), \(level), n = \(n), \(threads) threads")
              }
            }
          }
        }
      }
    }

    @Test("Long batches agree with their parts", arguments: PackedMatrix.types.map(\.name))
    func longBatches(name: String) {
      let type = PackedMatrix.types.first { $0.name == name } ?? FT_F32
      let matrix = PackedMatrix(
        type, rows: 83, columns: 300, .random(83 * 300, seed: 3, scale: 0.1))
      let x = [Float].random(301 * 300, seed: 4)
      for level in KernelTests.levels.dropFirst() {
        KernelTests.with(level) {
          let whole = matrix.multiply(x, count: 301).map(\.bitPattern)
          let alone = (0..<301).flatMap {
            matrix.multiply(Array(x[($0 * 300)...]), count: 1).map(\.bitPattern)
          }
          #expect(whole == alone, "\(level)")
        }
      }
    }

    @Test func `A product is near the one in f64`() {
      for (rows, columns) in Self.shapes {
        let weights = [Float].random(rows * columns, seed: 5, scale: 0.1)
        let x = [Float].random(columns, seed: 6)
        for type in PackedMatrix.types {
          let matrix = PackedMatrix(type, rows: rows, columns: columns, weights)
          let y = matrix.multiply(x, count: 1)
          for row in 0..<rows {
            let terms = zip(matrix.row(row), x).map { Double($0) * Double($1) }
            let magnitude = terms.reduce(0) { $0 + abs($1) }
            // One rounding a column, each at most half an ulp of a partial sum.
            var bound = magnitude * Double(columns + 2) * 0x1p-24
            if type == FT_Q8 || type == FT_Q4 {
              bound += Self.quantisationBound(matrix.row(row), x)
            }
            #expect(abs(Double(y[row]) - terms.reduce(0, +)) <= bound, "\(type.name), row \(row)")
          }
        }
      }
    }

    /// The most that rounding activations to 127 steps of each group's largest can change a product.
    static func quantisationBound(_ weights: [Float], _ x: [Float]) -> Double {
      stride(from: 0, to: x.count, by: Int(FT_Q8_GROUP)).reduce(0) { sum, start in
        let group = start..<min(start + Int(FT_Q8_GROUP), x.count)
        let largest = x[group].map(abs).max() ?? 0
        let magnitude = weights[group].reduce(0) { $0 + abs($1) }
        return sum + Double(magnitude * largest / 127) * 0.5001
      }
    }

    @Test func `What is not finite shows in the result`() {
      for type in PackedMatrix.types {
        let matrix = PackedMatrix(
          type, rows: 20, columns: 130, .random(20 * 130, seed: 7, scale: 0.1))
        for level in KernelTests.levels {
          for value in [Float.nan, .infinity, -.infinity] {
            var x = [Float].random(130, seed: 8)
            x[77] = value
            let y = KernelTests.with(level) { matrix.multiply(x + x, count: 2) }
            #expect(y.allSatisfy { !$0.isFinite }, "\(type.name), \(level), \(value)")
          }
        }
      }
    }

    @Test func `A batch of no tokens writes nothing`() {
      let matrix = PackedMatrix(FT_F16, rows: 3, columns: 4, .random(12, seed: 9))
      #expect(matrix.multiply([], count: 0).isEmpty)
    }

    @Test func `Stacked matrices are one product`() {
      // 32 rows, then 20: the first ends on a panel.
      let columns = 70
      for type in PackedMatrix.types {
        let weights = [Float].random(52 * columns, seed: 10)
        let whole = PackedMatrix(type, rows: 52, columns: columns, weights)
        let first = PackedMatrix(type, rows: 32, columns: columns, weights)
        let second = PackedMatrix(
          type, rows: 20, columns: columns, Array(weights[(32 * columns)...]))
        let x = [Float].random(columns, seed: 11)
        #expect(
          whole.multiply(x, count: 1)
            == first.multiply(x, count: 1) + second.multiply(x, count: 1), "\(type.name)")
      }
    }
  }
}
