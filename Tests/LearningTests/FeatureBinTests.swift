import Testing

@testable import Learning

@Suite struct FeatureBinTests {
  private var random = SeededRandom(1)

  @Test("Few values are cut between each other, many into bins of about the same count")
  mutating func cuts() {
    #expect(ValueCounts([3, 1, 1, 2, 3] as [Float]).cuts(limit: 8) == [1.5, 2.5])
    #expect(ValueCounts([7, 7, 7] as [Float]).cuts(limit: 8) == [])
    #expect(ValueCounts([] as [Float]).cuts(limit: 8) == [])
    // Neighbours with nothing between them: the lower one is the edge.
    let next = Float(1).nextUp
    #expect(ValueCounts([1, next]).cuts(limit: 2) == [1])

    let values = (0..<10_000).map { _ in random.normal() }
    let cuts = ValueCounts(values).cuts(limit: 16)
    #expect(cuts.count == 15 && cuts == cuts.sorted())
    var counts = [Int](repeating: 0, count: 16)
    for value in values { counts[FeatureBins.bin(of: value, cuts)] += 1 }
    #expect(counts.allSatisfy { (500...750).contains($0) })
  }

  @Test("A value that most rows share has a bin for itself")
  mutating func heavyValue() {
    let values = (0..<1000).map { _ in random.normal() }
    let counts = ValueCounts(values, zeros: 9000)
    let cuts = counts.cuts(limit: 8)
    let zero = FeatureBins.bin(of: 0, cuts)
    #expect(cuts.count <= 7)
    #expect(values.count { FeatureBins.bin(of: $0, cuts) == zero } < 300)
    #expect(FeatureBins.bin(of: counts.mode(cuts: cuts), cuts) == zero)
    #expect(Set(values.map { FeatureBins.bin(of: $0, cuts) }).count > 3)
  }

  @Test("A binned row says of each feature the bin of its value, listed or not")
  mutating func binned() throws {
    var table = FeatureTable(denseWidth: 2, sparseWidth: 3)
    var rows: [[Float]] = []
    for _ in 0..<200 {
      let listed = (0..<3).filter { _ in random.uniform() < 0.3 }
      let values = listed.map { _ in Float(random.below(7)) - 3 }
      var row = [Float(random.below(3)), random.normal(), 0, 0, 0]
      for (index, value) in zip(listed, values) { row[2 + index] = value }
      rows.append(row)
      try table.append(
        dense: Array(row[..<2]),
        sparse: SparseVector(indices: listed.map { Int32($0) }, values: values))
    }
    let bins = FeatureBins(fitting: table, denseBins: 8, sparseBins: 4, minimumRows: 5)
    let binned = BinnedTable(table, bins: bins)
    for (index, row) in rows.enumerated() {
      for feature in 0..<5 {
        let expected =
          bins.offsets[feature] + Int32(FeatureBins.bin(of: row[feature], bins.cuts[feature]))
        #expect(binned.bin(row: index, feature: feature) == expected)
      }
    }
    // Less than half of a dense column's values need an entry if one value has the other half.
    #expect(binned.entries.count < 200 * 5)

    let rare = FeatureBins(fitting: table, denseBins: 8, sparseBins: 4, minimumRows: 201)
    #expect(rare.cuts[2...].allSatisfy(\.isEmpty) && rare.binCount == bins.offsets[2])
  }

  @Test("Selection finds the ranks that sorting finds")
  mutating func selection() {
    for count in [1, 2, 3, 10, 101, 1000] {
      for level in [0.001, 0.1, 0.5, 0.9, 0.999] as [Float] {
        var values = (0..<count).map { _ in
          SIMD2(Float(random.below(max(2, count / 3))), Float(1 + random.below(3)))
        }
        let all = values
        let found = quantile(&values, level: level)
        func weight(_ isCounted: (Float) -> Bool) -> Double {
          all.reduce(0) { $0 + (isCounted($1.x) ? Double($1.y) : 0) }
        }
        let goal = Double(level) * weight { _ in true }
        #expect(weight { $0 <= found } >= goal - 1e-3)
        #expect(weight { $0 < found } < goal)
      }
    }
    var none: [SIMD2<Float>] = []
    #expect(quantile(&none, level: 0.5) == 0)
    var equal = [SIMD2<Float>](repeating: SIMD2(4, 1), count: 1000)
    #expect(quantile(&equal, level: 0.3) == 4)
  }
}
