/// The features of one row in the form that trees read, and the memory for the next row.
package struct FeatureRow: Sendable {
  /// Dense features, then sparse ones.
  private(set) var values: [Float]
  private let denseWidth: Int
  private var listed: [Int] = []

  package init(denseWidth: Int, sparseWidth: Int) {
    self.denseWidth = denseWidth
    values = Array(repeating: 0, count: denseWidth + sparseWidth)
  }

  /// Takes the place of the row before. Allocates nothing once it has seen a row as long.
  ///
  /// - Throws: `shape` when there are not `denseWidth` values, `value` for an index out of range.
  package mutating func load(
    dense: [Float], sparse: SparseVector = SparseVector()
  ) throws(LearningError) {
    guard dense.count == denseWidth, sparse.indices.count == sparse.values.count else {
      throw LearningError(
        .shape, at: "feature row", "\(dense.count) dense values where \(denseWidth) belong")
    }
    for index in listed { values[index] = 0 }
    listed.removeAll(keepingCapacity: true)
    for (index, value) in dense.enumerated() { values[index] = value }
    for (index, value) in zip(sparse.indices, sparse.values) {
      let place = denseWidth + Int(index)
      guard index >= 0, place < values.count else {
        throw LearningError(.value, at: "feature row", "a sparse index of \(index)")
      }
      values[place] = value
      listed.append(place)
    }
  }
}
