/// The pinball loss of several quantiles at once (Koenker and Bassett 1978), averaged over levels:
///
///     max(t (y - q), (t - 1) (y - q))    for level t, prediction q and outcome y
///
/// Its minimum is the conditional quantile of each level. A target may hold several draws of `y` for
/// one row of inputs, so that a prompt with ten responses is one row: NaN stands for a draw that is
/// missing, and a row's loss is the mean over its draws.
package struct PinballLoss: Loss, Equatable {
  /// One output of the network for each level, in this order.
  package let levels: [Float]
  package let targetWidth: Int
  package var outputWidth: Int { levels.count }

  /// - Throws: `setting` when there is no level, or one is not between 0 and 1.
  package init(levels: [Float], draws: Int = 1) throws(LearningError) {
    guard !levels.isEmpty, levels.allSatisfy({ $0 > 0 && $0 < 1 }), draws > 0 else {
      throw LearningError(
        .setting, at: "pinball loss", "levels \(levels) with \(draws) draws a row",
        advice: "levels are between 0 and 1, draws at least one")
    }
    self.levels = levels
    targetWidth = draws
  }

  package func problem(with target: Span<Float>) -> String? {
    for index in target.indices where target[index].isInfinite {
      return "draw \(index) is \(target[index])"
    }
    return nil
  }

  package func weight(of target: Span<Float>) -> Float {
    for index in target.indices where !target[index].isNaN { return 1 }
    return 0
  }

  package func evaluate(
    _ outputs: Span<Float>, _ target: Span<Float>, gradient: inout MutableSpan<Float>
  ) -> Float {
    for level in levels.indices { gradient[level] = 0 }
    var (sum, draws): (Float, Float) = (0, 0)
    for index in target.indices where !target[index].isNaN {
      draws += 1
      for level in levels.indices {
        let residual = target[index] - outputs[level]
        let slope = residual >= 0 ? levels[level] : levels[level] - 1
        sum += slope * residual
        gradient[level] -= slope
      }
    }
    guard draws > 0 else { return 0 }
    let scale = 1 / (draws * Float(levels.count))
    for level in levels.indices { gradient[level] *= scale }
    return sum * scale
  }

  /// Puts predicted quantiles in the order of their levels, which never makes the pinball loss worse
  /// (Chernozhukov, Fernandez-Val and Galichon 2010). Crossing is a fault of separate outputs.
  package func rearrange(_ quantiles: inout [Float]) {
    let order = levels.indices.sorted { levels[$0] < levels[$1] }
    for (level, value) in zip(order, quantiles.sorted()) { quantiles[level] = value }
  }
}
