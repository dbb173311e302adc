/// Binary cross entropy with a soft label and a weight on rejections, the loss of SpecDec++
/// (arXiv 2405.19715):
///
///     sum(-P log p - w (1 - P) log(1 - p)) / sum(P + w (1 - P))
///
/// `P` is the label (the probability of acceptance), `p` the prediction, `w` the rejection weight.
/// With `w != 1` the best prediction is not `P` but `P / (P + w (1 - P))`; `undistorted` inverts that.
package struct SoftLabelCrossEntropy: Loss, Equatable {
  /// How the network's outputs make a probability.
  package enum Link: String, Codable, Sendable {
    /// One logit.
    case sigmoid
    /// Two logits, of which the second says "accepted", as the published head has it.
    case twoClassSoftmax
  }

  package var link: Link
  package var rejectionWeight: Float

  package init(link: Link = .sigmoid, rejectionWeight: Float = 1) {
    self.link = link
    self.rejectionWeight = rejectionWeight
  }

  package var outputWidth: Int { link == .sigmoid ? 1 : 2 }
  package var targetWidth: Int { 1 }

  package func problem(with target: Span<Float>) -> String? {
    (0...1).contains(target[0]) ? nil : "the label is \(target[0]) and not a probability"
  }

  package func weight(of target: Span<Float>) -> Float {
    target[0] + rejectionWeight * (1 - target[0])
  }

  package func evaluate(
    _ outputs: Span<Float>, _ target: Span<Float>, gradient: inout MutableSpan<Float>
  ) -> Float {
    let z = logit(outputs)
    let accepted = Double(target[0])
    let rejected = Double(rejectionWeight) * (1 - accepted)
    let p = Double.sigmoid(z)
    let slope = Float(rejected * p - accepted * (1 - p))
    switch link {
    case .sigmoid: gradient[0] = slope
    case .twoClassSoftmax: (gradient[0], gradient[1]) = (-slope, slope)
    }
    return Float(accepted * Double.softplus(-z) + rejected * Double.softplus(z))
  }

  /// The log-odds of acceptance that the outputs say.
  package func logit(_ outputs: Span<Float>) -> Double {
    link == .sigmoid ? Double(outputs[0]) : Double(outputs[1]) - Double(outputs[0])
  }

  /// The probability of acceptance that the outputs say, on the scale that the weight distorts.
  package func probability(_ outputs: Span<Float>) -> Double { .sigmoid(logit(outputs)) }

  /// The probability whose distortion by the rejection weight is `p`: `w p / (w p + 1 - p)`.
  package func undistorted(_ p: Double) -> Double {
    let weighted = Double(rejectionWeight) * p
    return weighted / (weighted + 1 - p)
  }
}
