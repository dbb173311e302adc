/// The candidates judged together (Sun et al., 2403.10444, algorithm 2): never keeps fewer on average
/// than token by token, and mostly more, with the same law and no forward more.
///
/// `w(i) = min(w(i-1) p(x_i) / q(x_i), 1)`, `w(0) = 1`, is how much of the draft's mass on the first i
/// candidates the target can take. The longest i is kept whose coin falls, of probability
/// `e / (e + 1 - w(i))` with `e = sum max(w(i) p - q, 0)` over the next place, and `w(K)` for all K.
package struct BlockVerification: VerificationRule {
  package init() {}

  package func verdict(
    _ candidates: [Candidate], position: Int, _ chance: inout any ChanceSource,
    target: (Int) -> TokenDistribution
  ) -> Verdict {
    var weights = [1.0]  // w(0 ... K)
    for (index, candidate) in candidates.enumerated() {
      let p = target(index).probability(of: candidate.token)
      let q = candidate.distribution.probability(of: candidate.token)
      weights.append(min(weights[index] * p / q, 1))
    }
    var kept = candidates.count
    while kept > 0 {
      let keeps =
        kept == candidates.count
        ? weights[kept]
        : Self.keeping(
          weights[kept], target: target(kept), draft: candidates[kept].distribution)
      if chance.accepts(probability: keeps, position: position + kept - 1) { break }
      kept -= 1
    }
    guard kept < candidates.count else {
      let token = chance.token(from: target(kept), position: position + kept, purpose: .target)
      return Verdict(accepted: kept, next: token)
    }
    let residual = target(kept).residual(
      over: candidates[kept].distribution, scale: weights[kept])
    return replace(
      kept, of: candidates, by: residual, position: position, &chance, target: target)
  }

  /// The probability with which a shorter block is kept when no longer one was.
  private static func keeping(
    _ weight: Double, target: TokenDistribution, draft: TokenDistribution
  ) -> Double {
    let excess = target.excess(over: draft, scale: weight).reduce(0, +)
    let whole = excess + 1 - weight
    // Draft and target agree from here on: a longer block is kept for certain.
    return whole > 0 ? excess / whole : 1
  }
}
