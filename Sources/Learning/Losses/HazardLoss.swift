/// The likelihood of a discrete hazard model (Cox 1972; Gensheimer and Narasimhan 2019): time is cut
/// into bins, and output k is the logit of the hazard `h_k`, the probability that a subject that got
/// to bin k ends there.
///
///     ended in bin b:          -log h_b - sum over k < b of log(1 - h_k)
///     censored before bin c:            - sum over k < c of log(1 - h_k)
///
/// A target places each draw on the line of bins: the whole number `b` for an end in bin b, the edge
/// `c - 0.5` for a subject that got through the bins before c and was then lost from sight (a cap on
/// tokens, a cancelled request). Several draws may share a row; NaN stands for one that is missing,
/// and a row's loss is the mean over its draws.
package struct HazardLoss: Loss, Equatable {
  package let bins: Int
  package let targetWidth: Int
  package var outputWidth: Int { bins }

  /// - Throws: `setting` when there is no bin or no draw.
  package init(bins: Int, draws: Int = 1) throws(LearningError) {
    guard bins > 0, draws > 0 else {
      throw LearningError(.setting, at: "hazard loss", "\(bins) bins and \(draws) draws a row")
    }
    self.bins = bins
    targetWidth = draws
  }

  /// The target of a subject that ended in bin `bin`.
  package static func ended(in bin: Int) -> Float { Float(bin) }

  /// The target of a subject that got through all bins before `bin`, and of which no more is known.
  package static func censored(before bin: Int) -> Float { Float(bin) - 0.5 }

  package func problem(with target: Span<Float>) -> String? {
    for index in target.indices where !target[index].isNaN {
      let place = target[index]
      if place < -0.5 || place > Float(bins) - 0.5 || (2 * place).rounded() != 2 * place {
        return "draw \(index) is at \(place), which is no bin and no edge of 0 ..< \(bins)"
      }
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
    var draws = 0
    for index in target.indices where !target[index].isNaN { draws += 1 }
    var sum = 0.0
    for bin in 0..<bins {
      var (entered, ended) = (0, 0)
      for index in target.indices where target[index] >= Float(bin) {
        entered += 1
        if target[index] == Float(bin) { ended += 1 }
      }
      guard entered > 0 else {
        gradient[bin] = 0
        continue
      }
      let z = Double(outputs[bin])
      let (atRisk, events) = (Double(entered) / Double(draws), Double(ended) / Double(draws))
      sum += atRisk * Double.softplus(z) - events * z
      gradient[bin] = Float(atRisk * Double.sigmoid(z) - events)
    }
    return Float(sum)
  }
}

/// The distribution over bins that hazards say.
package enum DiscreteHazard {
  /// The probability of getting through bins `0 ... k`, for each k.
  package static func survival(logits: [Float]) -> [Double] {
    var surviving = 1.0
    return logits.map { logit in
      surviving *= Double.sigmoid(-Double(logit))
      return surviving
    }
  }

  /// The probability of ending in each bin, and in a last one of getting through them all, given
  /// that the subject got through the bins before `bin`.
  package static func probabilities(logits: [Float], after bin: Int = 0) -> [Double] {
    var surviving = 1.0
    var probabilities = [Double](repeating: 0, count: logits.count + 1)
    for (index, logit) in logits.enumerated().dropFirst(bin) {
      probabilities[index] = surviving * Double.sigmoid(Double(logit))
      surviving *= Double.sigmoid(-Double(logit))
    }
    probabilities[logits.count] = surviving
    return probabilities
  }
}
