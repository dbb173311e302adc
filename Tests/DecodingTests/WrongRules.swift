import Decoding
import Support

/// Rules with a bug each, and one unusual rule that is right.

private let right = TokenVerification()

protocol WrongRule: VerificationRule {}

extension WrongRule {
  func verdict(
    _ candidates: [Candidate], position: Int, _ chance: inout any ChanceSource,
    target: (Int) -> TokenDistribution
  ) -> Verdict {
    right.verdict(candidates, position: position, &chance, target: target)
  }
}

private func mostLikely(_ distribution: TokenDistribution) -> TokenID {
  let best = distribution.probabilities.indices.max {
    distribution.probabilities[$0] < distribution.probabilities[$1]
  }
  return distribution.tokens?[best ?? 0] ?? TokenID(best ?? 0)
}

/// Proposes the draft's most likely token and judges it as if it had been drawn.
struct ArgmaxDraft: WrongRule {
  func candidate(
    from distribution: TokenDistribution, position: Int, _ chance: inout any ChanceSource
  ) -> TokenID { mostLikely(distribution) }
}

/// Draws at temperature 0.6 and judges by the probabilities at 1.
struct ColdDraft: WrongRule {
  func candidate(
    from distribution: TokenDistribution, position: Int, _ chance: inout any ChanceSource
  ) -> TokenID {
    let logits = distribution.probabilities.map { Float.logarithm($0) }
    let cold = logits.withUnsafeBufferPointer {
      LogitsWarper(SamplingOptions(temperature: 0.6))
        .distribution($0, history: TokenHistory(prompt: []))
    }
    return right.candidate(from: cold, position: position, &chance)
  }
}

/// Looks at the draw before it decides to submit it.
struct DroppingVerification: WrongRule {
  let least: Double
  func verdict(
    _ candidates: [Candidate], position: Int, _ chance: inout any ChanceSource,
    target: (Int) -> TokenDistribution
  ) -> Verdict {
    let kept = candidates.prefix { $0.distribution.probability(of: $0.token) >= least }
    return right.verdict(Array(kept), position: position, &chance, target: target)
  }
}

/// Draws from p itself after a rejection.
struct NoResidual: WrongRule {
  func verdict(
    _ candidates: [Candidate], position: Int, _ chance: inout any ChanceSource,
    target: (Int) -> TokenDistribution
  ) -> Verdict {
    for (index, candidate) in candidates.enumerated() {
      let p = target(index)
      let acceptance = TokenVerification.acceptance(
        of: candidate.token, target: p, draft: candidate.distribution)
      if !chance.accepts(probability: acceptance, position: position + index) {
        let token = chance.token(from: p, position: position + index, purpose: .residual)
        return Verdict(accepted: index, next: token)
      }
    }
    let end = candidates.count
    return Verdict(
      accepted: end,
      next: chance.token(from: target(end), position: position + end, purpose: .target))
  }
}

/// Accepts a candidate that equals a sample of the target, and draws a fresh token when it does not.
struct MatchAndResample: WrongRule {
  func verdict(
    _ candidates: [Candidate], position: Int, _ chance: inout any ChanceSource,
    target: (Int) -> TokenDistribution
  ) -> Verdict {
    match(candidates, position, &chance, target, resamples: true)
  }
}

/// Emits the target's sample, whether it matches or not: right, and slower than it need be.
struct MatchAndEmit: WrongRule {
  func verdict(
    _ candidates: [Candidate], position: Int, _ chance: inout any ChanceSource,
    target: (Int) -> TokenDistribution
  ) -> Verdict {
    match(candidates, position, &chance, target, resamples: false)
  }
}

private func match(
  _ candidates: [Candidate], _ position: Int, _ chance: inout any ChanceSource,
  _ target: (Int) -> TokenDistribution, resamples: Bool
) -> Verdict {
  for (index, candidate) in candidates.enumerated() {
    let p = target(index)
    let sample = chance.token(from: p, position: position + index, purpose: .target)
    if sample != candidate.token {
      let fresh = chance.token(from: p, position: position + index, purpose: .residual)
      return Verdict(accepted: index, next: resamples ? fresh : sample)
    }
  }
  let end = candidates.count
  return Verdict(
    accepted: end,
    next: chance.token(from: target(end), position: position + end, purpose: .target))
}

/// Takes the most likely token after a fully accepted draft.
struct GreedyBonus: WrongRule {
  func verdict(
    _ candidates: [Candidate], position: Int, _ chance: inout any ChanceSource,
    target: (Int) -> TokenDistribution
  ) -> Verdict {
    var verdict = right.verdict(candidates, position: position, &chance, target: target)
    if verdict.accepted == candidates.count { verdict.next = mostLikely(target(candidates.count)) }
    return verdict
  }
}

/// Judges a candidate by the row after it.
struct WrongPosition: WrongRule {
  func verdict(
    _ candidates: [Candidate], position: Int, _ chance: inout any ChanceSource,
    target: (Int) -> TokenDistribution
  ) -> Verdict {
    right.verdict(candidates, position: position, &chance) { target(min($0 + 1, candidates.count)) }
  }
}

/// Judges token by token, with a bug in what it does with siblings.
struct WrongSiblings: VerificationRule {
  enum Bug: CaseIterable, Sendable {
    case none
    /// Judged against the target's distribution instead of what the candidate has left of it.
    case judgedByTarget
    /// What was left before the sibling was rejected is left after it.
    case leavesRest
    /// May be the candidate again, and is judged as if it could not.
    case withReplacement
    /// The token behind it is drawn as if it stood behind the candidate.
    case bonusOfChain
  }
  let bug: Bug

  func sibling(
    of candidate: Candidate, runnerUp: TokenID?, position: Int, _ chance: inout any ChanceSource
  ) -> Sibling? {
    let drawn = right.sibling(of: candidate, runnerUp: runnerUp, position: position, &chance)
    guard bug == .withReplacement, let drawn else { return drawn }
    let token = chance.token(
      from: candidate.distribution, position: position, purpose: .sibling)
    return Sibling(token, from: drawn.distribution)
  }

  func verdict(
    _ candidates: [Candidate], position: Int, _ chance: inout any ChanceSource,
    target: (Int) -> TokenDistribution
  ) -> Verdict {
    for (index, candidate) in candidates.enumerated() {
      let (p, q, place) = (target(index), candidate.distribution, position + index)
      func keeps(_ token: TokenID, _ law: TokenDistribution, _ draft: TokenDistribution) -> Bool {
        // A token that the draft cannot draw is none to be kept.
        guard draft.probability(of: token) > 0 else { return false }
        return chance.accepts(
          probability: TokenVerification.acceptance(of: token, target: law, draft: draft),
          position: place)
      }
      if keeps(candidate.token, p, q) { continue }
      var rest = p.residual(over: q)
      if let sibling = candidate.sibling {
        let law = bug == .judgedByTarget ? p : rest
        if keeps(sibling.token, law, sibling.distribution) {
          let row = bug == .bonusOfChain ? index + 1 : candidates.row(behindSiblingAt: index)
          let next = chance.token(from: target(row), position: place + 1, purpose: .target)
          return Verdict(accepted: index, keepsSibling: true, next: next)
        }
        if bug != .leavesRest { rest = rest.residual(over: sibling.distribution) }
      }
      let next = chance.token(from: rest, position: place, purpose: .residual)
      return Verdict(accepted: index, next: next)
    }
    let end = candidates.count
    let next = chance.token(from: target(end), position: position + end, purpose: .target)
    return Verdict(accepted: end, next: next)
  }
}

/// A model whose logits still see a rejected token: it forgets the length but not what it read.
final class StaleCache: LanguageModel {
  private let model: FakeModel
  private var stale: [SequenceID: [TokenID]] = [:]
  private var held: [SequenceID: [TokenID]] = [:]
  var vocabularySize: Int { model.vocabularySize }
  var hiddenSize: Int { model.hiddenSize }
  var contextLength: Int { model.contextLength }

  init(_ model: FakeModel) { self.model = model }

  func openSequence() -> SequenceID { model.openSequence() }
  func forkSequence(_ sequence: SequenceID) -> SequenceID { model.forkSequence(sequence) }
  func closeSequence(_ sequence: SequenceID) { model.closeSequence(sequence) }
  func length(of sequence: SequenceID) -> Int { model.length(of: sequence) }

  func rewind(_ sequence: SequenceID, to length: Int) {
    let tokens = held[sequence, default: []]
    stale[sequence] = Array(tokens[length...].prefix(1))
    held[sequence] = Array(tokens[..<length])
    model.rewind(sequence, to: length)
  }

  func forward(_ slices: [Slice], into output: inout ForwardOutput) throws {
    // The first new token is overwritten by what the rejected one left.
    let seen = slices.map { slice in
      var slice = slice
      if let old = stale[slice.sequence]?.first, let first = slice.tokens.indices.first {
        slice.tokens[first] = old
      }
      return slice
    }
    for slice in slices { held[slice.sequence, default: []] += slice.tokens }
    try model.forward(seen, into: &output)
  }
}
