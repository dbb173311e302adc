import Learning

/// Rows of a long sparse matrix, one after the other.
struct SparseRows: Sendable {
  let width: Int
  private(set) var starts = [0]
  private(set) var columns: [Int32] = []
  private(set) var values: [Float] = []

  init(width: Int) { self.width = width }

  var count: Int { starts.count - 1 }

  /// - Parameter row: with indices below `width`; it may be given in parts.
  mutating func append(_ row: SparseVector...) {
    for part in row {
      columns += part.indices
      values += part.values
    }
    starts.append(columns.count)
  }

  /// Multiplies the values in some columns.
  mutating func scale(_ scaled: Range<Int>, by factor: Float) {
    for place in columns.indices where scaled.contains(Int(columns[place])) {
      values[place] *= factor
    }
  }

  /// Without the values in columns that fewer rows have.
  func keepingColumns(ofAtLeast minimum: Int) -> SparseRows {
    var counts = [Int](repeating: 0, count: width)
    for column in columns { counts[Int(column)] += 1 }
    var kept = SparseRows(width: width)
    for row in 0..<count {
      for place in starts[row]..<starts[row + 1] where counts[Int(columns[place])] >= minimum {
        kept.columns.append(columns[place])
        kept.values.append(values[place])
      }
      kept.starts.append(kept.columns.count)
    }
    return kept
  }

  /// Some of the rows, by those columns only that they have: which the columns were, rising.
  func chosen(_ rows: [Int]) -> (rows: SparseRows, columns: [Int]) {
    var places = [Int32](repeating: -1, count: width)
    for row in rows {
      for place in starts[row]..<starts[row + 1] { places[Int(columns[place])] = 0 }
    }
    let used = places.indices.filter { places[$0] == 0 }
    for (place, column) in used.enumerated() { places[column] = Int32(place) }
    var chosen = SparseRows(width: used.count)
    for row in rows {
      let range = starts[row]..<starts[row + 1]
      chosen.columns += range.map { places[Int(columns[$0])] }
      chosen.values += values[range]
      chosen.starts.append(chosen.columns.count)
    }
    return (chosen, used)
  }
}

/// Several ridge regressions over the same rows at once, by conjugate gradients on the normal
/// equations: for each output the weights that minimise
///
///     sum over its rows of (w x + mean - y)^2 + penalty |w|^2
///
/// The rows are read twice a step for sixteen outputs together, which makes a regression over tens
/// of thousands of words a matter of a second.
enum SparseRidge {
  private typealias Lanes = SIMD16<Float>

  /// What was fitted: a prediction is `means[o] + sum of weights[column * outputs + o] * value`.
  struct Fit: Sendable {
    var means: [Float]
    /// `(width, outputs)`.
    var weights: [Float]
  }

  /// - Parameters:
  ///   - chosen: the rows to fit.
  ///   - targets: `(rows, outputs)` for all rows; NaN where a row has none for an output.
  static func fit(
    _ rows: SparseRows, chosen: [Int], targets: [Float], outputs: Int, penalty: Float,
    steps: Int = 30
  ) -> Fit {
    var means = [Float](repeating: 0, count: outputs)
    var weights = [Float](repeating: 0, count: rows.width * outputs)
    for output in 0..<outputs {
      let known = chosen.map { targets[$0 * outputs + output] }.filter { !$0.isNaN }
      means[output] = known.isEmpty ? 0 : known.reduce(0, +) / Float(known.count)
    }
    let (own, columns) = rows.chosen(chosen)
    for first in stride(from: 0, to: outputs, by: Lanes.scalarCount) {
      let range = first..<min(first + Lanes.scalarCount, outputs)
      let solved = solve(
        own, penalty: penalty, steps: steps,
        targets: chosen.map { row in
          var (residual, mask) = (Lanes(), Lanes())
          for output in range {
            let target = targets[row * outputs + output]
            guard !target.isNaN else { continue }
            residual[output - first] = target - means[output]
            mask[output - first] = 1
          }
          return (residual, mask)
        })
      for (place, column) in columns.enumerated() {
        for output in range { weights[column * outputs + output] = solved[place][output - first] }
      }
    }
    return Fit(means: means, weights: weights)
  }

  /// Each lane runs its own iteration; they only share the passes over the rows.
  private static func solve(
    _ rows: SparseRows, penalty: Float, steps: Int,
    targets: [(residual: Lanes, mask: Lanes)]
  ) -> [Lanes] {
    var weights = [Lanes](repeating: .zero, count: rows.width)
    var gradient = weights
    addTransposed(rows, targets.map(\.residual), to: &gradient)
    var direction = gradient
    var square = dot(gradient, gradient)
    var image = [Lanes](repeating: .zero, count: rows.count)
    for _ in 0..<steps {
      multiply(rows, direction, into: &image)
      for index in image.indices { image[index] *= targets[index].mask }
      let curvature = dot(image, image) + penalty * dot(direction, direction)
      let length = quotient(square, curvature)
      var next = [Lanes](repeating: .zero, count: rows.width)
      addTransposed(rows, image, to: &next)
      for index in weights.indices {
        weights[index] += length * direction[index]
        gradient[index] -= length * (next[index] + penalty * direction[index])
      }
      let newSquare = dot(gradient, gradient)
      let factor = quotient(newSquare, square)
      for index in direction.indices {
        direction[index] = gradient[index] + factor * direction[index]
      }
      square = newSquare
    }
    return weights
  }

  /// Zero where a lane is done: its output has no rows, or its gradient has vanished.
  private static func quotient(_ a: Lanes, _ b: Lanes) -> Lanes {
    (a / b).replacing(with: 0, where: b .<= 1e-20)
  }

  private static func dot(_ a: [Lanes], _ b: [Lanes]) -> Lanes {
    var sum = Lanes.zero
    for index in a.indices { sum += a[index] * b[index] }
    return sum
  }

  private static func multiply(
    _ rows: SparseRows, _ x: [Lanes], into y: inout [Lanes]
  ) {
    for row in 0..<rows.count {
      var sum = Lanes.zero
      for place in rows.starts[row]..<rows.starts[row + 1] {
        sum += rows.values[place] * x[Int(rows.columns[place])]
      }
      y[row] = sum
    }
  }

  private static func addTransposed(
    _ rows: SparseRows, _ x: [Lanes], to y: inout [Lanes]
  ) {
    for row in 0..<rows.count {
      let value = x[row]
      for place in rows.starts[row]..<rows.starts[row + 1] {
        y[Int(rows.columns[place])] += rows.values[place] * value
      }
    }
  }
}

extension SparseRidge.Fit {
  /// The outputs for one row, which may be given in parts.
  func predict(_ rows: SparseVector...) -> [Float] {
    var result = means
    for row in rows {
      for (column, value) in zip(row.indices, row.values) {
        let start = Int(column) * means.count
        for output in means.indices { result[output] += weights[start + output] * value }
      }
    }
    return result
  }
}
