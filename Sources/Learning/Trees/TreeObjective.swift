/// What an ensemble of trees predicts, and the loss that it lowers.
package enum TreeObjective: Codable, Equatable, Hashable, Sendable {
  /// The mean, by squared error.
  case mean
  /// One quantile, by the pinball loss.
  case quantile(level: Float)
  /// The log-odds of a label in [0, 1], by cross entropy; of several draws, of their mean.
  case logOdds
  /// The logit of the hazard in each of so many time bins, by the likelihood of `HazardLoss`.
  ///
  /// A tree may ask for the time bin as for any feature, so hazards need not be proportional.
  case hazard(bins: Int)

  package var outputWidth: Int {
    if case .hazard(let bins) = self { bins } else { 1 }
  }
}

/// The targets of a table's rows, and what boosting needs to know of them: where to begin, which way
/// to go, and how far.
///
/// As for the networks' losses, a row may have several draws, with NaN for one that is missing. A row
/// counts by its weight whatever the number of its draws, except where quantiles of draws are taken:
/// there each draw has the row's weight.
struct BoostingTarget: Sendable {
  let objective: TreeObjective
  let outputs: Int
  let count: Int
  private let draws: Int
  /// `(count, draws)`.
  private let targets: [Float]
  /// By row.
  private let weights: [Float]
  /// For the mean and the log-odds: each row's mean draw.
  private var means: [Float] = []
  /// For hazards, `(count, outputs)`: the shares of draws that entered a bin and that ended there.
  private var entered: [Float] = []
  private var ended: [Float] = []

  /// - Parameter weights: by row; empty for one each.
  /// - Throws: `shape`, or `value` with the row that has no draw or one that cannot be.
  init(
    _ objective: TreeObjective, targets: [Float], draws: Int, count: Int, weights: [Float] = []
  ) throws(LearningError) {
    guard draws > 0, targets.count == count * draws else {
      throw LearningError(
        .shape, at: "targets",
        "\(targets.count) numbers for \(count) rows of features with \(draws) draws each")
    }
    self.objective = objective
    self.draws = draws
    self.count = count
    self.targets = targets
    self.weights = weights.isEmpty ? [Float](repeating: 1, count: count) : weights
    guard self.weights.count == count, self.weights.allSatisfy({ $0 > 0 && $0.isFinite }) else {
      throw LearningError(
        .value, at: "weights", "\(weights.count) for \(count) rows, or one is not above zero")
    }
    outputs = objective.outputWidth
    let problem: (Span<Float>) -> String?
    switch objective {
    case .mean, .quantile:
      let level: Float = if case .quantile(let level) = objective { level } else { 0.5 }
      problem = try PinballLoss(levels: [level], draws: draws).problem
    case .logOdds:
      problem = { row in
        row.indices.contains { !row[$0].isNaN && !(0...1).contains(row[$0]) }
          ? "a label is not in 0...1" : nil
      }
    case .hazard(let bins): problem = try HazardLoss(bins: bins, draws: draws).problem
    }
    for row in 0..<count {
      let range = row * draws..<(row + 1) * draws
      if let problem = problem(targets.span.extracting(range)) {
        throw LearningError(.value, at: "targets, row \(row)", problem)
      }
      let present = targets[range].filter { !$0.isNaN }
      guard !present.isEmpty else {
        throw LearningError(.value, at: "targets, row \(row)", "has no draw")
      }
      switch objective {
      case .mean, .logOdds: means.append(present.reduce(0, +) / Float(present.count))
      case .quantile: break
      case .hazard(let bins):
        for bin in 0..<bins {
          let place = Float(bin)
          entered.append(Float(present.count { $0 >= place }) / Float(present.count))
          ended.append(Float(present.count { $0 == place }) / Float(present.count))
        }
      }
    }
  }

  /// The best prediction without features.
  var base: [Float] {
    switch objective {
    case .mean, .logOdds:
      var (sum, weight) = (0.0, 0.0)
      for row in 0..<count {
        sum += Double(weights[row] * means[row])
        weight += Double(weights[row])
      }
      guard case .logOdds = objective else { return [Float(sum / weight)] }
      // Half a row on either side keeps labels that are all alike finite.
      return [Float(Double.log((sum + 0.5) / (weight - sum + 0.5)))]
    case .quantile(let level):
      var present = targets.indices.filter { !targets[$0].isNaN }.map {
        SIMD2(targets[$0], weights[$0 / draws])
      }
      return [quantile(&present, level: level)]
    case .hazard(let bins):
      return (0..<bins).map { bin in
        var (all, events) = (0.0, 0.0)
        for row in 0..<count {
          all += Double(weights[row] * entered[row * bins + bin])
          events += Double(weights[row] * ended[row * bins + bin])
        }
        // Half an event on either side keeps bins that all or none survive finite.
        return Float(Double.log((events + 0.5) / (all - events + 0.5)))
      }
    }
  }

  /// Writes first and second derivatives by the scores, added up over outputs from the left:
  /// `(count, outputs + 1)`, so that those of any range of outputs are one difference.
  func derivatives(_ scores: [Float], into sums: inout [SIMD2<Float>]) {
    switch objective {
    case .mean:
      for row in 0..<count {
        sums[2 * row + 1] = weights[row] * SIMD2(scores[row] - means[row], 1)
      }
    case .logOdds:
      for row in 0..<count {
        let chance = Float(1 / (1 + Double.exp(-Double(scores[row]))))
        sums[2 * row + 1] = weights[row] * SIMD2(chance - means[row], chance * (1 - chance))
      }
    case .quantile(let level):
      for row in 0..<count {
        var (above, present): (Float, Float) = (0, 0)
        for draw in row * draws..<(row + 1) * draws where !targets[draw].isNaN {
          present += 1
          if targets[draw] < scores[row] { above += 1 }
        }
        sums[2 * row + 1] = weights[row] * SIMD2(above / present - level, 1)
      }
    case .hazard(let bins):
      var hazards = scores
      hazards.withUnsafeMutableBufferPointer { values in
        guard let base = values.baseAddress else { return }
        forEachLane(values.count, base, base, into: base) { z, _ in Lanes.sigmoid(z) }
      }
      for row in 0..<count {
        var sum = SIMD2<Float>()
        for bin in 0..<bins {
          let place = row &* bins &+ bin
          let expected = entered[place] * hazards[place]
          sum += weights[row] * SIMD2(expected - ended[place], expected * (1 - hazards[place]))
          sums[row &* (bins &+ 1) &+ bin &+ 1] = sum
        }
      }
    }
  }

  /// How far the scores of a leaf's rows should go, for the sums of their derivatives.
  ///
  /// A mean, log-odds and a hazard take a Newton step. The derivative of the pinball loss says only which way,
  /// so a quantile goes to the quantile of what is left in the leaf.
  func step(_ rows: [Int32], _ scores: [Float], sums: SIMD2<Double>, penalty: Double) -> Float {
    guard case .quantile(let level) = objective else { return Float(-sums.x / (sums.y + penalty)) }
    var residuals: [SIMD2<Float>] = []
    residuals.reserveCapacity(rows.count * draws)
    for row in rows {
      for draw in Int(row) * draws..<(Int(row) + 1) * draws where !targets[draw].isNaN {
        residuals.append(SIMD2(targets[draw] - scores[Int(row)], weights[Int(row)]))
      }
    }
    return quantile(&residuals, level: level)
  }

  /// The mean loss of scores, `(count, outputs)`.
  func meanLoss(_ scores: [Float]) -> Double {
    var (all, weight) = (0.0, 0.0)
    for row in 0..<count {
      var sum = 0.0
      switch objective {
      case .mean, .quantile:
        let level: Float? = if case .quantile(let level) = objective { level } else { nil }
        var (loss, present) = (0.0, 0.0)
        for draw in row * draws..<(row + 1) * draws where !targets[draw].isNaN {
          let residual = targets[draw] - scores[row]
          loss += Double(
            level.map { max($0 * residual, ($0 - 1) * residual) } ?? residual * residual)
          present += 1
        }
        sum = loss / present
      case .logOdds:
        let z = Double(scores[row])
        sum = Double.softplus(z) - Double(means[row]) * z
      case .hazard(let bins):
        for place in row * bins..<(row + 1) * bins where entered[place] > 0 {
          let z = Double(scores[place])
          sum += Double(entered[place]) * Double.softplus(z) - Double(ended[place]) * z
        }
      }
      all += Double(weights[row]) * sum
      weight += Double(weights[row])
    }
    return all / weight
  }
}

/// The smallest of the numbers in `x` such that those up to it have a share `level` of all weights,
/// which are in `y`; zero for none. Reorders them (Hoare's selection, in expected linear time).
func quantile(_ values: inout [SIMD2<Float>], level: Float) -> Float {
  guard !values.isEmpty else { return 0 }
  return values.withUnsafeMutableBufferPointer { values in
    func weight(_ range: Range<Int>) -> Double { values[range].reduce(0) { $0 + Double($1.y) } }
    var (low, high) = (0, values.count - 1)
    var goal = (Double(level) - 1e-7) * weight(0..<values.count)
    while low < high {
      let middle = low + (high - low) / 2
      let candidates = (values[low].x, values[middle].x, values[high].x)
      let pivot = max(
        min(candidates.0, candidates.1), min(max(candidates.0, candidates.1), candidates.2))
      var (left, right) = (low, high)
      while left <= right {
        while values[left].x < pivot { left += 1 }
        while values[right].x > pivot { right -= 1 }
        if left <= right {
          values.swapAt(left, right)
          left += 1
          right -= 1
        }
      }
      // Up to `right` nothing is above the pivot, from `left` on nothing below, between them all are it.
      let below = weight(low..<right + 1)
      if goal <= below {
        high = right
      } else {
        goal -= below + weight(right + 1..<left)
        guard goal > 0 else { return pivot }
        low = left
      }
    }
    return values[min(low, values.count - 1)].x
  }
}
