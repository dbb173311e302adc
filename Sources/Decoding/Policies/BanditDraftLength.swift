#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Chooses among other policies by upper confidence bounds on their tokens per second (BanditSpec,
/// 2505.15141; TapOut, 2511.02017), a whole round at a time.
package struct BanditDraftLength: DraftLengthPolicy {
  private var arms: [any DraftLengthPolicy]
  private var plays: [Double]
  /// Tokens and seconds that each arm has had.
  private var tokens: [Double]
  private var seconds: [Double]
  private var playing = 0

  /// - Precondition: at least one arm.
  package init(_ arms: [any DraftLengthPolicy]) {
    precondition(!arms.isEmpty)
    self.arms = arms
    plays = arms.map { _ in 0 }
    tokens = plays
    seconds = plays
  }

  package var name: String { "bandit" }
  package var needs: EvidenceNeeds { arms.reduce(EvidenceNeeds()) { $0.union($1.needs) } }

  package mutating func scoresAnother(_ state: DraftState) -> Bool {
    if state.candidates.isEmpty { playing = choice() }
    return arms[playing].scoresAnother(state)
  }

  package mutating func submits(_ next: DraftEvidence, after state: DraftState) -> Bool {
    arms[playing].submits(next, after: state)
  }

  package mutating func observe(_ round: RoundRecord) {
    guard !round.isPrefill else { return }
    arms[playing].observe(round)
    plays[playing] += 1
    tokens[playing] += Double(round.emitted)
    seconds[playing] += round.seconds.total
  }

  /// UCB1 on rates relative to the best, so that rewards lie between 0 and 1.
  private func choice() -> Int {
    if let fresh = plays.firstIndex(of: 0) { return fresh }
    let rates = zip(tokens, seconds).map { $0 / max($1, 1e-9) }
    let best = rates.max() ?? 1
    let all = plays.reduce(0, +)
    let bounds = zip(rates, plays).map { rate, count in
      rate / best + 0.25 * (2 * log(all) / count).squareRoot()
    }
    return bounds.indices.max { bounds[$0] < bounds[$1] } ?? 0
  }
}
