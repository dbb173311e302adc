/// Draft and target draw by the same noise (Daliri et al., 2408.07978: Gumbel coupling): the target's
/// own draw at each place is emitted, and a candidate is kept when it equals it.
///
/// With a given seed the text is that of plain decoding, token for token, whatever is drafted.
package struct CoupledVerification: VerificationRule {
  package func fixesText(temperature: Double) -> Bool { true }

  package init() {}

  package func candidate(
    from distribution: TokenDistribution, position: Int, _ chance: inout any ChanceSource
  ) -> TokenID {
    chance.coupledToken(from: distribution, position: position)
  }

  /// The one that the noise puts second.
  package func sibling(
    of candidate: Candidate, runnerUp: TokenID?, position: Int, _ chance: inout any ChanceSource
  ) -> Sibling? {
    candidate.sibling(runnerUp: runnerUp) { chance.coupledToken(from: $0, position: position) }
  }

  package func verdict(
    _ candidates: [Candidate], position: Int, _ chance: inout any ChanceSource,
    target: (Int) -> TokenDistribution
  ) -> Verdict {
    for (index, candidate) in candidates.enumerated() {
      let token = chance.coupledToken(from: target(index), position: position + index)
      if token == candidate.token { continue }
      guard token == candidate.sibling?.token else { return Verdict(accepted: index, next: token) }
      let next = chance.coupledToken(
        from: target(candidates.row(behindSiblingAt: index)), position: position + index + 1)
      return Verdict(accepted: index, keepsSibling: true, next: next)
    }
    let end = candidates.count
    let token = chance.coupledToken(from: target(end), position: position + end)
    return Verdict(accepted: end, next: token)
  }
}
