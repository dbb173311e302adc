/// Draft and target draw by the same noise (Daliri et al., 2408.07978: Gumbel coupling): the target's
/// own draw at each place is emitted, and a candidate is kept when it equals it.
///
/// With a given seed the text is that of plain decoding, token for token, whatever is drafted.
package struct CoupledVerification: VerificationRule {
  package init() {}

  package func candidate(
    from distribution: TokenDistribution, position: Int, _ chance: inout any ChanceSource
  ) -> TokenID {
    chance.coupledToken(from: distribution, position: position)
  }

  package func verdict(
    _ candidates: [Candidate], position: Int, _ chance: inout any ChanceSource,
    target: (Int) -> TokenDistribution
  ) -> Verdict {
    for (index, candidate) in candidates.enumerated() {
      let token = chance.coupledToken(from: target(index), position: position + index)
      if token != candidate.token { return Verdict(accepted: index, next: token) }
    }
    let end = candidates.count
    let token = chance.coupledToken(from: target(end), position: position + end)
    return Verdict(accepted: end, next: token)
  }
}
