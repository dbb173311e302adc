import Decoding

/// Acceptance that is declared instead of found, for studies without a matching draft: drafting and
/// verifying cost what they cost, the text means nothing (vLLM's `rejection_sample_method =
/// "synthetic"`, with its meaning of rates and length).
struct SyntheticAcceptance: Sendable, Equatable, Codable {
  /// `rates[i]`: in which share of rounds at least i + 1 candidates are kept, where that many were
  /// proposed. In 0 to 1, falling or level; 0 beyond the last.
  let rates: [Double]

  /// - Throws: `usage` for rates that rise or lie outside 0 to 1.
  init(rates: [Double]) throws(CommandError) {
    let falls = zip(rates, rates.dropFirst()).allSatisfy { $0 >= $1 }
    guard !rates.isEmpty, falls, rates.allSatisfy({ 0...1 ~= $0 }) else {
      throw CommandError(
        Failure.usage,
        "--synthetic-acceptance-rates takes numbers from 0 to 1, none above the one before")
    }
    self.rates = rates
  }

  /// Rates with a mean of `length` tokens a round, the target's own included: certain for the first
  /// places, a chance for one more, which is the schedule of the least variance.
  ///
  /// - Throws: `usage` for a length outside 1 to 65.
  init(length: Double) throws(CommandError) {
    guard 1...65 ~= length else {
      throw CommandError(
        Failure.usage, "--synthetic-acceptance-length takes 1 to 65 tokens, not \(length)")
    }
    let whole = Int(length - 1)
    let rest = length - 1 - Double(whole)
    rates = [Double](repeating: 1, count: whole) + [rest]
  }

  /// The chance that candidate i is kept, given that those before it were.
  func conditional(_ index: Int) -> Double {
    guard index < rates.count else { return 0 }
    let before = index > 0 ? rates[index - 1] : 1
    return before > 0 ? rates[index] / before : 0
  }
}

/// Keeps candidates by declared chances. Everything else costs what it does token by token.
struct SyntheticVerification: VerificationRule {
  let acceptance: SyntheticAcceptance

  func candidate(
    from distribution: TokenDistribution, position: Int, _ chance: inout any ChanceSource
  ) -> TokenID {
    chance.token(from: distribution, position: position, purpose: .draft)
  }

  func fixesText(temperature: Double) -> Bool { false }

  /// The declared chances are those of a chain.
  func sibling(
    of candidate: Candidate, runnerUp: TokenID?, position: Int, _ chance: inout any ChanceSource
  ) -> Sibling? { nil }

  func verdict(
    _ candidates: [Candidate], position: Int, _ chance: inout any ChanceSource,
    target: (Int) -> TokenDistribution
  ) -> Verdict {
    var kept = 0
    while kept < candidates.count {
      // Token by token verification would need it too.
      _ = target(kept)
      let probability = acceptance.conditional(kept)
      guard chance.accepts(probability: probability, position: position + kept) else { break }
      kept += 1
    }
    let token = chance.token(from: target(kept), position: position + kept, purpose: .target)
    return Verdict(accepted: kept, next: token)
  }
}
