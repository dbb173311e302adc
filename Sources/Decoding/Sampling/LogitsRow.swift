internal import CKernels

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// One row of logits.
///
/// Every sum goes in one fixed order, so equal logits give equal probabilities, bit for bit.
package struct LogitsRow {
  let values: UnsafeBufferPointer<Float>

  package init(_ values: UnsafeBufferPointer<Float>) { self.values = values }

  /// The largest value of `range`, and -infinity for none.
  func largest(in range: Range<Int>) -> Float {
    let part = UnsafeBufferPointer(rebasing: values[range])
    return part.baseAddress.map { ft_maximum($0, Int32(part.count)) } ?? -.infinity
  }

  var largest: Float { largest(in: values.indices) }

  /// The first token with the largest value.
  var mostLikely: TokenID {
    values.baseAddress.map { ft_argmax($0, Int32(values.count)) } ?? 0
  }

  /// `exp((value - largest) * scale)` of every value, and their sum.
  func weights(scale: Float) -> (weights: [Double], sum: Double) {
    var sum = 0.0
    let weights = [Double](unsafeUninitializedCapacity: values.count) { buffer, count in
      guard let logits = values.baseAddress, let weights = buffer.baseAddress else { return }
      sum = ft_softmax_weights(logits, Int32(values.count), scale, weights)
      count = values.count
    }
    return (weights, sum)
  }

  /// `log softmax` of the row at `token`, in nats.
  func logProbability(of token: TokenID) -> Double {
    Double(values[Int(token)] - largest) - log(weights(scale: 1).sum)
  }

  /// What the row says about the next token at temperature 1, without drawing it.
  var summary: LogitsSummary { description.summary }

  /// The same, and which tokens are the likeliest: they are found on the way.
  package var description: (summary: LogitsSummary, likeliest: LikeliestTokens) {
    var shape = ft_logits_shape()
    if let base = values.baseAddress { ft_describe_logits(base, Int32(values.count), &shape) }
    let mass = Double(shape.mass)
    let (first, second, third, fourth) = shape.logits
    let (a, b, c, d) = shape.tokens
    func probability(_ logit: Float) -> Double { exp(Double(logit - first)) / mass }
    let summary = LogitsSummary(
      topProbability: 1 / mass, secondProbability: probability(second),
      entropy: max(0, log(mass) - Double(shape.moment) / mass))
    let others = SIMD4(
      1 / mass, summary.secondProbability, probability(third), probability(fourth))
    return (
      summary, LikeliestTokens(tokens: SIMD4(a, b, c, d), probabilities: SIMD4<Float>(others))
    )
  }
}

/// The tokens that a distribution at temperature 1, before penalties and filters, holds likeliest.
package struct LikeliestTokens: Sendable, Equatable {
  /// The likeliest first, of equal ones the first; -1 where the vocabulary is smaller.
  package var tokens: SIMD4<TokenID>
  /// Theirs; 0 behind the last.
  package var probabilities: SIMD4<Float>

  package init(tokens: SIMD4<TokenID>, probabilities: SIMD4<Float>) {
    self.tokens = tokens
    self.probabilities = probabilities
  }

  /// The likelier of the first two that is not `token`.
  func other(than token: TokenID) -> TokenID? {
    let other = tokens[0] == token ? tokens[1] : tokens[0]
    return other >= 0 ? other : nil
  }
}

/// The shape of a next-token distribution at temperature 1, before penalties and filters.
package struct LogitsSummary: Sendable, Equatable {
  /// Probability of the most likely token.
  package var topProbability: Double
  /// Probability of the next most likely one.
  package var secondProbability: Double
  /// In nats.
  package var entropy: Double

  package init(topProbability: Double, secondProbability: Double, entropy: Double) {
    self.topProbability = topProbability
    self.secondProbability = secondProbability
    self.entropy = entropy
  }
}
