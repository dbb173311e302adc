import Learning

/// Rows of a long sparse matrix, one after the other.
struct SparseRows: Sendable {
  let width: Int
  private(set) var starts = [0]
  private(set) var columns: [Int32] = []
  private(set) var values: [Float] = []

  init(width: Int) { self.width = width }

  var count: Int { starts.count - 1 }

  /// - Parameter row: with indices below `width`.
  mutating func append(_ row: SparseVector) {
    columns += row.indices
    values += row.values
    starts.append(columns.count)
  }
}

/// Several ridge regressions over the same rows at once, by conjugate gradients on the normal
/// equations: for each output the weights that minimise
///
///     sum over its rows of (w x + mean - y)^2 + penalty |w|^2
///
/// The rows are read twice a step for sixteen outputs together, which makes a regression over tens
/// of thousands of hashed words a matter of a second.
enum SparseRidge {
  fileprivate typealias Lanes = SIMD16<Float>

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
    for first in stride(from: 0, to: outputs, by: Lanes.scalarCount) {
      let range = first..<min(first + Lanes.scalarCount, outputs)
      let solved = solve(
        rows, chosen, penalty: penalty, steps: steps,
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
      for column in 0..<rows.width {
        for output in range { weights[column * outputs + output] = solved[column][output - first] }
      }
    }
    return Fit(means: means, weights: weights)
  }

  /// Each lane runs its own iteration; they only share the passes over the rows.
  private static func solve(
    _ rows: SparseRows, _ chosen: [Int], penalty: Float, steps: Int,
    targets: [(residual: Lanes, mask: Lanes)]
  ) -> [Lanes] {
    var weights = [Lanes](repeating: .zero, count: rows.width)
    var gradient = weights
    addTransposed(rows, chosen, targets.map(\.residual), to: &gradient)
    var direction = gradient
    var square = dot(gradient, gradient)
    var image = [Lanes](repeating: .zero, count: chosen.count)
    for _ in 0..<steps {
      multiply(rows, chosen, direction, into: &image)
      for index in image.indices { image[index] *= targets[index].mask }
      let curvature = dot(image, image) + penalty * dot(direction, direction)
      let length = quotient(square, curvature)
      var next = [Lanes](repeating: .zero, count: rows.width)
      addTransposed(rows, chosen, image, to: &next)
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
    _ rows: SparseRows, _ chosen: [Int], _ x: [Lanes], into y: inout [Lanes]
  ) {
    for (index, row) in chosen.enumerated() {
      var sum = Lanes.zero
      for place in rows.starts[row]..<rows.starts[row + 1] {
        sum += rows.values[place] * x[Int(rows.columns[place])]
      }
      y[index] = sum
    }
  }

  private static func addTransposed(
    _ rows: SparseRows, _ chosen: [Int], _ x: [Lanes], to y: inout [Lanes]
  ) {
    for (index, row) in chosen.enumerated() {
      let value = x[index]
      for place in rows.starts[row]..<rows.starts[row + 1] {
        y[Int(rows.columns[place])] += rows.values[place] * value
      }
    }
  }
}

extension SparseRidge.Fit {
  /// With weights to the precision of bfloat16, which halves a compressed file and moves a guess by
  /// less than a hundredth of what it is uncertain by.
  var rounded: Self {
    var rounded = self
    for index in weights.indices {
      let bits = weights[index].bitPattern
      // To the nearest, ties to even.
      rounded.weights[index] = Float(
        bitPattern: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) & 0xFFFF_0000)
    }
    return rounded
  }

  private typealias Lanes = SparseRidge.Lanes

  /// The outputs for one row.
  ///
  /// Sixteen weights are read together, some of which may belong to the next column and go unused.
  func predict(_ row: SparseVector) -> [Float] {
    var result = means
    weights.withUnsafeBytes { bytes in
      for first in stride(from: 0, to: means.count, by: Lanes.scalarCount) {
        var sums = Lanes()
        for (column, value) in zip(row.indices, row.values) {
          let place = Int(column) * means.count + first
          if place + Lanes.scalarCount <= weights.count {
            sums +=
              value
              * bytes.loadUnaligned(
                fromByteOffset: place * MemoryLayout<Float>.stride, as: Lanes.self)
          } else {
            for lane in 0..<weights.count - place { sums[lane] += value * weights[place + lane] }
          }
        }
        for output in first..<min(first + Lanes.scalarCount, means.count) {
          result[output] += sums[output - first]
        }
      }
    }
    return result
  }
}
