/// How candidates are drawn, and which of them are kept so that the output has the target's law.
package protocol VerificationRule: Sendable {
  /// Draws a candidate from the draft's distribution; unless a rule has a way of its own, with the
  /// random numbers that are for drafts.
  func candidate(
    from distribution: TokenDistribution, position: Int, _ chance: inout any ChanceSource
  ) -> TokenID

  /// Judges the candidates in order.
  ///
  /// - Parameter target: the target's distribution at a candidate's place, given those before it,
  ///   `0 ... candidates.count`; computed when it is asked for.
  func verdict(
    _ candidates: [Candidate], position: Int, _ chance: inout any ChanceSource,
    target: (Int) -> TokenDistribution
  ) -> Verdict
}

extension VerificationRule {
  package func candidate(
    from distribution: TokenDistribution, position: Int, _ chance: inout any ChanceSource
  ) -> TokenID {
    chance.token(from: distribution, position: position, purpose: .draft)
  }
}

/// A token that the draft proposed, and what it was drawn from.
package struct Candidate: Sendable {
  package var token: TokenID
  package var distribution: TokenDistribution

  package init(_ token: TokenID, from distribution: TokenDistribution) {
    self.token = token
    self.distribution = distribution
  }
}

/// What a verification decided: the first `accepted` candidates stay, and `next` follows them.
package struct Verdict: Sendable, Equatable {
  package var accepted: Int
  /// Drawn in the place of the first rejected candidate, or after all of them.
  package var next: TokenID

  package init(accepted: Int, next: TokenID) {
    self.accepted = accepted
    self.next = next
  }
}

/// Token by token (Leviathan et al., 2211.17192, algorithm 1; Chen et al., 2302.01318): a candidate
/// x is kept with probability min(1, p(x) / q(x)); in the place of the first rejected one a token is
/// drawn from norm(max(p - q, 0)), so that each place has the law p exactly.
package struct TokenVerification: VerificationRule {
  package init() {}

  package func verdict(
    _ candidates: [Candidate], position: Int, _ chance: inout any ChanceSource,
    target: (Int) -> TokenDistribution
  ) -> Verdict {
    for (index, candidate) in candidates.enumerated() {
      let (p, q) = (target(index), candidate.distribution)
      let acceptance = Self.acceptance(of: candidate.token, target: p, draft: q)
      guard chance.accepts(probability: acceptance, position: position + index) else {
        let residual = p.residual(over: q)
        let token = chance.token(from: residual, position: position + index, purpose: .residual)
        return Verdict(accepted: index, next: token)
      }
    }
    let end = candidates.count
    let token = chance.token(from: target(end), position: position + end, purpose: .target)
    return Verdict(accepted: end, next: token)
  }

  /// min(1, p(x) / q(x)).
  package static func acceptance(
    of token: TokenID, target: TokenDistribution, draft: TokenDistribution
  ) -> Double {
    let (p, q) = (target.probability(of: token), draft.probability(of: token))
    return p >= q ? 1 : p / q
  }
}
