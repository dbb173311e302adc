/// How candidates are drawn, and which of them are kept so that the output has the target's law.
package protocol VerificationRule: Sendable {
  /// Whether the text is plain decoding's with the same seed, whatever is drafted.
  func fixesText(temperature: Double) -> Bool

  /// Draws a candidate from the draft's distribution; unless a rule has a way of its own, with the
  /// random numbers that are for drafts.
  func candidate(
    from distribution: TokenDistribution, position: Int, _ chance: inout any ChanceSource
  ) -> TokenID

  /// Draws a second candidate for the place of `candidate`, another token; nil where the draft has no
  /// other. By default of what its distribution leaves, without replacement.
  ///
  /// - Parameter runnerUp: the draft's second choice, for draws that are certain.
  func sibling(
    of candidate: Candidate, runnerUp: TokenID?, position: Int, _ chance: inout any ChanceSource
  ) -> Sibling?

  /// Judges the candidates in order.
  ///
  /// - Parameter target: the target's distribution at a candidate's place, given those before it,
  ///   `0 ... candidates.count`, and behind the siblings, in order, from `candidates.count + 1` on;
  ///   computed when it is asked for.
  func verdict(
    _ candidates: [Candidate], position: Int, _ chance: inout any ChanceSource,
    target: (Int) -> TokenDistribution
  ) -> Verdict
}

extension VerificationRule {
  package func fixesText(temperature: Double) -> Bool { temperature == 0 }

  package func candidate(
    from distribution: TokenDistribution, position: Int, _ chance: inout any ChanceSource
  ) -> TokenID {
    chance.token(from: distribution, position: position, purpose: .draft)
  }

  package func sibling(
    of candidate: Candidate, runnerUp: TokenID?, position: Int, _ chance: inout any ChanceSource
  ) -> Sibling? {
    candidate.sibling(runnerUp: runnerUp) {
      chance.token(from: $0, position: position, purpose: .sibling)
    }
  }

  /// Draws in the place of the first rejected candidate: its sibling, if that is kept, and one more
  /// token behind it, and otherwise of what both have left.
  ///
  /// A sibling is a proposal for `rest` as a candidate is one for the target: whatever it was drawn
  /// from, the place has the law `rest` (recursive rejection sampling: Miao et al., 2305.09781,
  /// section 4.3; Chen et al., 2402.12374, section 4.2).
  ///
  /// - Parameters:
  ///   - index: of the rejected candidate.
  ///   - rest: what the place is to be drawn from.
  package func replace(
    _ index: Int, of candidates: [Candidate], by rest: TokenDistribution, position: Int,
    _ chance: inout any ChanceSource, target: (Int) -> TokenDistribution
  ) -> Verdict {
    let place = position + index
    guard let sibling = candidates[index].sibling else {
      let token = chance.token(from: rest, position: place, purpose: .residual)
      return Verdict(accepted: index, next: token)
    }
    let acceptance = TokenVerification.acceptance(
      of: sibling.token, target: rest, draft: sibling.distribution)
    guard chance.accepts(probability: acceptance, position: place, purpose: .acceptSibling) else {
      let token = chance.token(
        from: rest.residual(over: sibling.distribution), position: place, purpose: .residual)
      return Verdict(accepted: index, next: token)
    }
    let behind = target(candidates.row(behindSiblingAt: index))
    let token = chance.token(from: behind, position: place + 1, purpose: .target)
    return Verdict(accepted: index, keepsSibling: true, next: token)
  }
}

/// A token that the draft proposed, and what it was drawn from.
package struct Candidate: Sendable {
  package var token: TokenID
  package var distribution: TokenDistribution
  /// Takes its place if it is rejected.
  package var sibling: Sibling?

  package init(
    _ token: TokenID, from distribution: TokenDistribution, sibling: Sibling? = nil
  ) {
    self.token = token
    self.distribution = distribution
    self.sibling = sibling
  }
}

extension Candidate {
  /// Another token for its place.
  ///
  /// - Parameter draw: of what its distribution leaves.
  func sibling(runnerUp: TokenID?, _ draw: (TokenDistribution) -> TokenID) -> Sibling? {
    // Without a law of its own, as where the likeliest is taken, any other token will do.
    guard let rest = distribution.without(token) else {
      return runnerUp.map { Sibling($0, from: TokenDistribution(only: $0)) }
    }
    return Sibling(draw(rest), from: rest)
  }
}

/// A second candidate for one place, a leaf of the tree of candidates, and what it was drawn from.
package struct Sibling: Sendable {
  package var token: TokenID
  package var distribution: TokenDistribution

  package init(_ token: TokenID, from distribution: TokenDistribution) {
    self.token = token
    self.distribution = distribution
  }
}

extension [Candidate] {
  /// Which of the target's rows lies behind the sibling at a place.
  package func row(behindSiblingAt index: Int) -> Int {
    count + 1 + self[..<index].count { $0.sibling != nil }
  }
}

/// What a verification decided: the first `accepted` candidates stay, perhaps a sibling of the next,
/// and `next` follows them.
package struct Verdict: Sendable, Equatable {
  package var accepted: Int
  /// Whether the sibling of the first rejected candidate stays in its place.
  package var keepsSibling: Bool
  /// Drawn in the place of the first rejected candidate, behind its sibling, or after all candidates.
  package var next: TokenID

  package init(accepted: Int, keepsSibling: Bool = false, next: TokenID) {
    self.accepted = accepted
    self.keepsSibling = keepsSibling
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
        return replace(
          index, of: candidates, by: p.residual(over: q), position: position, &chance,
          target: target)
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
