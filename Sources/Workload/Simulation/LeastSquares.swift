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

  /// The coefficients of the least squared error among those that are not negative: Lawson and
  /// Hanson's active sets (Solving Least Squares Problems, 1974, chapter 23) on the normal
  /// equations. A column that is always zero, or the sum of others that are in use, gets zero.
  ///
  /// - Throws: `.underdetermined` if there are no rows that say anything.
  package func solveNonnegative() throws(WorkloadError) -> [Double] {
    var idle = (0..<columns).filter { normal[$0 * columns + $0] > 0 }
    guard rows >= max(1, idle.count), !idle.isEmpty else {
      throw WorkloadError(
        .underdetermined, source: "step times",
        problem: "\(rows) measurements do not determine \(max(idle.count, 1)) coefficients",
        advice: "measure more steps, of different sizes")
    }
    var solution = [Double](repeating: 0, count: columns)
    let least = 1e-10 * (idle.map { abs(pull($0, solution)) }.max() ?? 0)
    var active: [Int] = []
    while let best = idle.max(by: { pull($0, solution) < pull($1, solution) }),
      pull(best, solution) > least
    {
      idle.removeAll { $0 == best }
      active.append(best)
      var next = solve(&active)
      // On the way there the first to reach zero leaves, until nobody would go below it.
      while let share = active.filter({ next[$0] <= 0 })
        .map({ solution[$0] / (solution[$0] - next[$0]) }).min()
      {
        for column in active {
          solution[column] += min(1, max(0, share)) * (next[column] - solution[column])
        }
        let gone = active.filter { next[$0] <= 0 && solution[$0] <= 1e-12 * abs(next[$0]) }
        for column in gone { solution[column] = 0 }
        active.removeAll { gone.contains($0) }
        // The newcomer itself is not asked again, or the two would take turns for ever.
        idle += gone.filter { $0 != best }
        next = solve(&active)
      }
      solution = next
    }
    return solution
  }

  /// How much the squared error falls with a column's coefficient, columns scaled to one length.
  private func pull(_ column: Int, _ solution: [Double]) -> Double {
    var slope = right[column]
    for other in 0..<columns { slope -= normal[column * columns + other] * solution[other] }
    return slope / normal[column * columns + column].squareRoot()
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
