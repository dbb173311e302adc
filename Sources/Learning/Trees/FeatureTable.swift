/// The elements of a long vector that are not zero.
package struct SparseVector: Equatable, Sendable {
  /// Strictly rising.
  package var indices: [Int32]
  package var values: [Float]

  package init(indices: [Int32] = [], values: [Float] = []) {
    self.indices = indices
    self.values = values
  }
}

/// Rows of features: some dense columns (counts, sizes, flags), then many sparse ones (hashed words),
/// which are zero where a row does not list them.
package struct FeatureTable: Equatable, Sendable {
  package let denseWidth: Int
  package let sparseWidth: Int
  package private(set) var count = 0
  /// `(count, denseWidth)`.
  private(set) var dense: [Float] = []
  /// Where each row's sparse elements begin, and where the last row's end.
  private(set) var sparseStarts = [0]
  private(set) var sparseIndices: [Int32] = []
  private(set) var sparseValues: [Float] = []

  package init(denseWidth: Int, sparseWidth: Int = 0) {
    self.denseWidth = denseWidth
    self.sparseWidth = sparseWidth
  }

  /// Dense columns first, then sparse ones.
  package var width: Int { denseWidth + sparseWidth }

  /// - Throws: `shape` when the row is not of the table's widths, `value` for a number that is not
  ///   finite or indices that do not rise.
  package mutating func append(
    dense row: [Float], sparse: SparseVector = SparseVector()
  ) throws(LearningError) {
    guard row.count == denseWidth, sparse.indices.count == sparse.values.count else {
      throw LearningError(
        .shape, at: "feature row \(count)",
        "\(row.count) dense values where \(denseWidth) belong, or \(sparse.indices.count) sparse "
          + "indices with \(sparse.values.count) values")
    }
    guard row.allSatisfy(\.isFinite), sparse.values.allSatisfy(\.isFinite) else {
      throw LearningError(.value, at: "feature row \(count)", "a value is not finite")
    }
    let rising = zip(sparse.indices, sparse.indices.dropFirst()).allSatisfy { $0 < $1 }
    guard rising, (sparse.indices.first ?? 0) >= 0,
      (sparse.indices.last ?? -1) < Int32(clamping: sparseWidth)
    else {
      throw LearningError(
        .value, at: "feature row \(count)",
        "the sparse indices do not rise inside 0 ..< \(sparseWidth)")
    }
    dense += row
    sparseIndices += sparse.indices
    sparseValues += sparse.values
    sparseStarts.append(sparseIndices.count)
    count += 1
  }
}
