/// What an ensemble of trees predicts, and the loss that it lowers.
package enum TreeObjective: Codable, Equatable, Hashable, Sendable {
  /// The mean, by squared error.
  case mean
  /// One quantile, by the pinball loss.
  case quantile(level: Float)
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
/// As for the networks' losses, a row may have several draws, with NaN for one that is missing, and
/// each row counts as much whatever the number of its draws.
struct BoostingTarget: Sendable {
  let objective: TreeObjective
  let outputs: Int
  let count: Int
  private let draws: Int
  /// `(count, draws)`.
  private let targets: [Float]
  /// For the mean: each row's mean draw.
  private var means: [Float] = []
  /// For hazards, `(count, outputs)`: the shares of draws that entered a bin and that ended there.
  private var entered: [Float] = []
  private var ended: [Float] = []

  /// - Throws: `shape`, or `value` with the row that has no draw or one that cannot be.
  init(
    _ objective: TreeObjective, targets: [Float], draws: Int, count: Int
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
    outputs = objective.outputWidth
    let problem: (Span<Float>) -> String?
    switch objective {
    case .mean, .quantile:
      let level: Float = if case .quantile(let level) = objective { level } else { 0.5 }
      problem = try PinballLoss(levels: [level], draws: draws).problem
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
      case .mean: means.append(present.reduce(0, +) / Float(present.count))
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
    case .mean:
      return [Float(means.reduce(0.0) { $0 + Double($1) } / Double(count))]
    case .quantile(let level):
      var present = targets.filter { !$0.isNaN }
      return [quantile(&present, level: level)]
    case .hazard(let bins):
      return (0..<bins).map { bin in
        var (all, events) = (0.0, 0.0)
        for row in 0..<count {
          all += Double(entered[row * bins + bin])
          events += Double(ended[row * bins + bin])
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
      for row in 0..<count { sums[2 * row + 1] = SIMD2(scores[row] - means[row], 1) }
    case .quantile(let level):
      for row in 0..<count {
        var (above, present): (Float, Float) = (0, 0)
        for draw in row * draws..<(row + 1) * draws where !targets[draw].isNaN {
          present += 1
          if targets[draw] < scores[row] { above += 1 }
        }
        sums[2 * row + 1] = SIMD2(above / present - level, 1)
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
          sum += SIMD2(expected - ended[place], expected * (1 - hazards[place]))
          sums[row &* (bins &+ 1) &+ bin &+ 1] = sum
        }
      }
    }
  }

  /// How far the scores of a leaf's rows should go, for the sums of their derivatives.
  ///
  /// A mean and a hazard take a Newton step. The derivative of the pinball loss says only which way,
  /// so a quantile goes to the quantile of what is left in the leaf.
  func step(_ rows: [Int32], _ scores: [Float], sums: SIMD2<Double>, penalty: Double) -> Float {
    guard case .quantile(let level) = objective else { return Float(-sums.x / (sums.y + penalty)) }
    var residuals: [Float] = []
    residuals.reserveCapacity(rows.count * draws)
    for row in rows {
      for draw in Int(row) * draws..<(Int(row) + 1) * draws where !targets[draw].isNaN {
        residuals.append(targets[draw] - scores[Int(row)])
      }
    }
    return quantile(&residuals, level: level)
  }

  /// The mean loss of scores, `(count, outputs)`.
  func meanLoss(_ scores: [Float]) -> Double {
    var sum = 0.0
    for row in 0..<count {
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
        sum += loss / present
      case .hazard(let bins):
        for place in row * bins..<(row + 1) * bins where entered[place] > 0 {
          let z = Double(scores[place])
          sum += Double(entered[place]) * Double.softplus(z) - Double(ended[place]) * z
        }
      }
    }
    return sum / Double(count)
  }
}

/// The smallest of `values` that at least a share `level` of them do not exceed; zero for none.
/// Reorders the values (Hoare's selection, in expected linear time).
func quantile(_ values: inout [Float], level: Float) -> Float {
  guard !values.isEmpty else { return 0 }
  let rank = max(0, Int((Double(values.count) * Double(level) - 1e-6).rounded(.up)) - 1)
  return values.withUnsafeMutableBufferPointer { values in
    var (low, high) = (0, values.count - 1)
    while low < high {
      let middle = low + (high - low) / 2
      let candidates = (values[low], values[middle], values[high])
      let pivot = max(
        min(candidates.0, candidates.1), min(max(candidates.0, candidates.1), candidates.2))
      var (left, right) = (low, high)
      while left <= right {
        while values[left] < pivot { left += 1 }
        while values[right] > pivot { right -= 1 }
        if left <= right {
          values.swapAt(left, right)
          left += 1
          right -= 1
        }
      }
      if rank <= right { high = right } else if rank >= left { low = left } else { break }
    }
    return values[rank]
  }
}
