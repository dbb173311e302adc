/// Weighted least squares with few columns: rows are folded into the normal equations as they come.
package struct LeastSquares: Sendable {
  private let columns: Int
  /// AᵀWA, row-major, and AᵀWb.
  private var normal: [Double]
  private var right: [Double]
  package private(set) var rows = 0

  package init(columns: Int) {
    self.columns = columns
    normal = [Double](repeating: 0, count: columns * columns)
    right = [Double](repeating: 0, count: columns)
  }

  /// - Parameter weight: multiplies the residual of this row.
  package mutating func add(_ row: [Double], value: Double, weight: Double = 1) {
    let square = weight * weight
    for i in 0..<columns where row[i] != 0 {
      right[i] += square * row[i] * value
      for j in 0..<columns { normal[i * columns + j] += square * row[i] * row[j] }
    }
    rows += 1
  }

  /// The coefficients of the least squared error among those that are not negative.
  ///
  /// Columns whose coefficient comes out negative are dropped, the most negative first, and looked
  /// at again once; a column that is always zero, or the sum of others, gets zero.
  /// - Throws: `.underdetermined` if there are no rows that say anything.
  package func solveNonnegative() throws(WorkloadError) -> [Double] {
    var active = (0..<columns).filter { normal[$0 * columns + $0] > 0 }
    guard rows >= max(1, active.count), !active.isEmpty else {
      throw WorkloadError(
        .underdetermined, source: "step times",
        problem: "\(rows) measurements do not determine \(max(active.count, 1)) coefficients",
        advice: "measure more steps, of different sizes")
    }
    var solution = solve(&active)
    while let worst = active.min(by: { solution[$0] < solution[$1] }), solution[worst] < 0 {
      active.removeAll { $0 == worst }
      solution = solve(&active)
    }
    return solution
  }

  /// Cholesky on the active columns, scaled to a unit diagonal; columns that hang on others are
  /// taken out of `active`.
  private func solve(_ active: inout [Int]) -> [Double] {
    var kept: [Int] = []
    var factor: [[Double]] = []
    for column in active {
      let scale = normal[column * columns + column].squareRoot()
      var row: [Double] = []
      for (index, other) in kept.enumerated() {
        var sum =
          normal[column * columns + other]
          / (scale * normal[other * columns + other].squareRoot())
        for inner in 0..<index { sum -= row[inner] * factor[index][inner] }
        row.append(sum / factor[index][index])
      }
      let pivot = 1 - row.reduce(0) { $0 + $1 * $1 }
      guard pivot > 1e-10 else { continue }
      row.append(pivot.squareRoot())
      kept.append(column)
      factor.append(row)
    }
    active = kept
    var result = [Double](repeating: 0, count: columns)
    var forward: [Double] = []
    for (index, column) in kept.enumerated() {
      var sum = right[column] / normal[column * columns + column].squareRoot()
      for inner in 0..<index { sum -= factor[index][inner] * forward[inner] }
      forward.append(sum / factor[index][index])
    }
    for index in kept.indices.reversed() {
      var sum = forward[index]
      for later in kept.indices where later > index {
        let column = kept[later]
        let scale = normal[column * columns + column].squareRoot()
        sum -= factor[later][index] * result[column] * scale
      }
      let column = kept[index]
      result[column] =
        sum / factor[index][index] / normal[column * columns + column].squareRoot()
    }
    return result
  }
}
