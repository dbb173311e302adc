import Learning

/// What prompts are about, in a few numbers: their principal components (latent semantic analysis,
/// Deerwester et al. 1990), by orthogonal iteration. Trees and networks can ask for a kind of prompt by
/// them, where single words are too many and too rare.
enum PrincipalTerms {
  private typealias Lanes = SIMD16<Float>

  /// The scores of a row on `count` directions: mean zero and variance one over the rows, the most
  /// telling first.
  ///
  /// Scores are not centred before the directions are sought, so the first says how usual a prompt is.
  static func fit(
    _ rows: SparseRows, count: Int, iterations: Int = 12, seed: UInt64
  ) -> SparseRidge.Fit {
    let blocks = (count + Lanes.scalarCount - 1) / Lanes.scalarCount
    var random = SeededRandom(seed, 4)
    // Scores by row, `(rows, blocks)`; directions by column.
    var scores = (0..<rows.count * blocks).map { _ in
      var lanes = Lanes()
      for lane in 0..<Lanes.scalarCount { lanes[lane] = random.normal() }
      return lanes
    }
    var directions = [Lanes](repeating: .zero, count: rows.width * blocks)
    for _ in 0..<iterations {
      orthonormalise(&scores, blocks)
      multiplyTransposed(rows, scores, blocks, into: &directions)
      multiply(rows, directions, blocks, into: &scores)
    }
    var sums = [Double](repeating: 0, count: count)
    var squares = sums
    for row in 0..<rows.count {
      for output in 0..<count {
        let score = Double(scores[row * blocks + output / 16][output % 16])
        sums[output] += score
        squares[output] += score * score
      }
    }
    let rowCount = Double(max(1, rows.count))
    var fit = SparseRidge.Fit(
      means: [Float](repeating: 0, count: count),
      weights: [Float](repeating: 0, count: rows.width * count))
    let means = sums.map { $0 / rowCount }
    let deviations = zip(squares, means).map { max(0, $0 / rowCount - $1 * $1).squareRoot() }
    let greatest = deviations.max() ?? 0
    for output in 0..<count {
      let (mean, deviation) = (means[output], deviations[output])
      // Where prompts have fewer directions than are asked for, the rest is rounding noise.
      let scale = deviation > 1e-4 * greatest ? 1 / deviation : 0
      fit.means[output] = Float(-mean * scale)
      for column in 0..<rows.width {
        let weight = directions[column * blocks + output / 16][output % 16]
        fit.weights[column * count + output] = weight * Float(scale)
      }
    }
    return fit
  }

  /// Gram-Schmidt over the columns, twice, which is enough (Giraud et al. 2005).
  private static func orthonormalise(_ matrix: inout [Lanes], _ blocks: Int) {
    let width = blocks * Lanes.scalarCount
    let height = matrix.count / max(1, blocks)
    for column in 0..<width {
      let (block, lane) = (column / Lanes.scalarCount, column % Lanes.scalarCount)
      for _ in 0..<2 {
        var products = [Lanes](repeating: .zero, count: blocks)
        for row in 0..<height {
          let value = matrix[row * blocks + block][lane]
          for other in 0...block { products[other] += value * matrix[row * blocks + other] }
        }
        // Only those before it.
        for other in lane..<Lanes.scalarCount { products[block][other] = 0 }
        for row in 0..<height {
          var sum = Lanes.zero
          for other in 0...block { sum += products[other] * matrix[row * blocks + other] }
          matrix[row * blocks + block][lane] -= sum.sum()
        }
      }
      var square: Float = 0
      for row in 0..<height {
        let value = matrix[row * blocks + block][lane]
        square += value * value
      }
      let scale = square > 1e-12 ? 1 / square.squareRoot() : 0
      for row in 0..<height { matrix[row * blocks + block][lane] *= scale }
    }
  }

  private static func multiply(
    _ rows: SparseRows, _ x: [Lanes], _ blocks: Int, into y: inout [Lanes]
  ) {
    for row in 0..<rows.count {
      for block in 0..<blocks {
        var sum = Lanes.zero
        for place in rows.starts[row]..<rows.starts[row + 1] {
          sum += rows.values[place] * x[Int(rows.columns[place]) * blocks + block]
        }
        y[row * blocks + block] = sum
      }
    }
  }

  private static func multiplyTransposed(
    _ rows: SparseRows, _ x: [Lanes], _ blocks: Int, into y: inout [Lanes]
  ) {
    for index in y.indices { y[index] = .zero }
    for row in 0..<rows.count {
      for place in rows.starts[row]..<rows.starts[row + 1] {
        for block in 0..<blocks {
          y[Int(rows.columns[place]) * blocks + block] +=
            rows.values[place] * x[row * blocks + block]
        }
      }
    }
  }
}
