import Learning
import Testing

@testable import Workload

@Suite("Linear maps over terms")
struct LinearTermTests {
  @Test("Weights are cut to significant bits, to the nearest and ties to even")
  func rounding() {
    #expect(Float(1.03125).rounded(significantBits: 5) == 1)
    #expect(Float(1.03126).rounded(significantBits: 5) == 1.0625)
    #expect(Float(1.09375).rounded(significantBits: 5) == 1.125)
    #expect(Float(-1.98).rounded(significantBits: 5) == -2)
    #expect(Float(0).rounded(significantBits: 5) == 0)
    #expect(Float(0.7).rounded(significantBits: 23) == Float(0.7).rounded(significantBits: 23))
    #expect(abs(Float(0.7).rounded(significantBits: 8) - 0.7) < 0.7 / 256)
  }

  @Test("A packed map gives what the fit gives", arguments: [1, 7, 8, 19, 33])
  func packed(outputs: Int) {
    var random = SeededRandom(UInt64(outputs))
    let fit = SparseRidge.Fit(
      means: (0..<outputs).map { _ in random.normal() },
      weights: (0..<50 * outputs).map { _ in random.normal().rounded(significantBits: 8) })
    let weights = TermWeights(fit, significantBits: 8)
    #expect(weights.columns == 50 && weights.weights == fit.weights)
    let row = SparseVector(indices: [0, 3, 49], values: [0.5, -2, 1.5])
    let more = SparseVector(indices: [7], values: [3])
    for (one, other) in zip(weights.predict(row, more), fit.predict(row, more)) {
      #expect(abs(one - other) < 1e-5)
    }
    #expect(weights.predict() == fit.means)
    // To few bits, but for the column that is kept in full.
    let coarse = TermWeights(fit, denseColumns: 7..<8, significantBits: 4)
    #expect(coarse.weights[7 * outputs..<8 * outputs] == fit.weights[7 * outputs..<8 * outputs])
    #expect(coarse.weights[..<outputs] != fit.weights[..<outputs])
    for (one, other) in zip(coarse.predict(row, more), fit.predict(row, more)) {
      #expect(abs(one - other) < 0.2)
    }
  }

  @Test("Weights out of a file stay what they are, in full or not")
  func files() throws {
    let fit = SparseRidge.Fit(means: [0.3, 7], weights: [1.5, 0.1, -2, 3, 0.7, 1])
    for (dense, bits) in [(0..<0, 8), (1..<2, 8), (0..<3, 8), (2..<3, 4)] {
      var tensors: [String: NamedTensor] = [:]
      let weights = TermWeights(fit, denseColumns: dense, significantBits: bits)
      weights.put("map", into: &tensors)
      let again = try TermWeights(
        "map", in: tensors, columns: 3, outputs: 2, denseColumns: dense)
      #expect(again == weights)
    }
    // Terms in full, as the first files have them.
    let tensors = [
      "map.means": NamedTensor(shape: [2], values: fit.means),
      "map.weights": NamedTensor(shape: [6], values: fit.weights),
    ]
    let full = try TermWeights("map", in: tensors, columns: 3, outputs: 2, denseColumns: 2..<3)
    #expect(full.weights == fit.weights)
    let row = SparseVector(indices: [0, 1], values: [0.5, -2])
    let tail = SparseVector(indices: [2], values: [3])
    #expect(full.predict(row, tail) == fit.predict(row, tail))
    #expect(throws: LearningError.self) {
      try TermWeights("map", in: tensors, columns: 4, outputs: 2)
    }
  }

  @Test("Principal components are the directions of most variance, with scores of variance one")
  func components() {
    // Rows in the plane of two directions, of which one varies three times as much.
    var random = SeededRandom(5)
    var rows = SparseRows(width: 6)
    var (wide, narrow): ([Float], [Float]) = ([], [])
    for _ in 0..<400 {
      let (a, b) = (3 * random.normal(), random.normal())
      wide.append(a)
      narrow.append(b)
      rows.append(SparseVector(indices: [0, 1, 3, 4], values: [a, a, b, -b]))
    }
    let fit = PrincipalTerms.fit(rows, count: 3, seed: 1)
    func correlation(_ output: Int, _ truth: [Float]) -> Float {
      let scores = (0..<400).map { row -> Float in
        let range = rows.starts[row]..<rows.starts[row + 1]
        return fit.predict(
          SparseVector(indices: Array(rows.columns[range]), values: Array(rows.values[range])))[
            output]
      }
      #expect(abs(scores.reduce(0, +) / 400) < 1e-3)
      #expect(abs(scores.reduce(0) { $0 + $1 * $1 } / 400 - 1) < 1e-3)
      let mean = truth.reduce(0, +) / 400
      let deviation = (truth.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 400).squareRoot()
      return zip(scores, truth).reduce(0) { $0 + $1.0 * ($1.1 - mean) } / 400 / deviation
    }
    #expect(abs(correlation(0, wide)) > 0.99)
    #expect(abs(correlation(1, narrow)) > 0.99)
    // There is no third direction, and nothing is made out of rounding.
    #expect(stride(from: 2, to: fit.weights.count, by: 3).allSatisfy { fit.weights[$0] == 0 })
  }

  @Test("Columns that few rows have are left out")
  func rareColumns() {
    var rows = SparseRows(width: 4)
    rows.append(
      SparseVector(indices: [0, 2], values: [1, 2]), SparseVector(indices: [3], values: [3]))
    rows.append(SparseVector(indices: [1], values: [4]))
    rows.append(SparseVector(indices: [0, 3], values: [5, 6]))
    let kept = rows.keepingColumns(ofAtLeast: 2)
    #expect(kept.starts == [0, 2, 2, 4] && kept.columns == [0, 3, 0, 3])
    #expect(kept.values == [1, 3, 5, 6] && kept.width == 4)
  }

  @Test("A regression over some rows is the one over those rows alone")
  func chosen() {
    var random = SeededRandom(6)
    var (all, some) = (SparseRows(width: 9), SparseRows(width: 9))
    var (targets, own): ([Float], [Float]) = ([], [])
    for index in 0..<60 {
      // The last columns are other rows' only.
      let column = Int32(index % 2 == 0 ? index % 5 : 5 + index % 4)
      let row = SparseVector(indices: [column], values: [random.normal()])
      let target = random.normal()
      all.append(row)
      targets.append(target)
      if index % 2 == 0 {
        some.append(row)
        own.append(target)
      }
    }
    let chosen = SparseRidge.fit(
      all, chosen: Array(stride(from: 0, to: 60, by: 2)), targets: targets, outputs: 1,
      penalty: 0.5)
    let alone = SparseRidge.fit(
      some, chosen: Array(0..<30), targets: own, outputs: 1, penalty: 0.5)
    #expect(chosen.means == alone.means && chosen.weights == alone.weights)
    #expect(chosen.weights[5...].allSatisfy { $0 == 0 })
    #expect(chosen.weights[..<5].allSatisfy { $0 != 0 })
  }
}
