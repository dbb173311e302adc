/// Goes on as long as another candidate is expected to earn more time than it costs.
///
/// A round of k candidates emits `1 + S(1) + ... + S(k)` tokens on average, `S(i)` being the chance
/// that the first i are kept, and costs `k t_d + V(k + 1)`. With lambda the tokens per second that
/// the generation runs at, the best policy stops where the next candidate's `S` falls below lambda
/// times what it adds to the cost (optimal stopping of tokens - lambda * seconds). Costs are measured,
/// chances estimated from the draft's evidence and kept calibrated by every round's outcome, lambda is
/// the running rate by the same costs: there is nothing to tune.
///
/// When the chain is complete, second candidates are put where it is likely to break, the best first,
/// by the same reckoning: one that is kept saves a round from ending there, and costs no draft step.
///
/// Where candidates are drawn it reads no clock while it decides: with the same costs a seed gives the
/// same text. Where the text is the same whatever it decides, greedily or with coupled draws, it goes by
/// what rounds take now.
package struct CostAwareDraftLength: DraftLengthPolicy {
  package let costs: CostModel
  package let most: Int
  private let drift: CostDrift?
  /// What is gone by where rounds are not followed.
  private let steady: CostModel
  /// Whether decisions leave the text as it is.
  private var isTextFixed = false
  private var tracker: SurvivalTracker
  // Running means whose ratio is lambda, over about 64 rounds.
  private var meanTokens: Double
  private var meanSeconds: Double
  private var rounds = 0.0
  private var budget: SpeculationBudget
  // While drafting does not pay, every `patience`-th round tries again.
  private var idleRounds = 0
  private var patience = Self.leastPatience
  private static let leastPatience = 16
  /// The round's candidates are there to learn from; one is enough.
  private var isTrying = false
  /// Whether places may have second candidates.
  private let hasSiblings: Bool
  /// A running mean of how many there are in a round.
  private var meanSiblings = 0.0
  /// Whether the draft has read the prompt, which its first step waits for.
  private var hasRead = false
  /// Draft steps of the round, those of candidates that were not submitted among them.
  private var steps = 0

  /// - Parameters:
  ///   - heads: trained heads, whose logits become one more piece of evidence.
  ///   - drift: what the generations of this process learn of the costs; nil to keep to them.
  package init(
    costs: CostModel, estimator: AcceptanceEstimator = AcceptanceEstimator(),
    heads: AcceptanceHeads? = nil, evidence: SurvivalEvidence = .both, most: Int = 24,
    drift: CostDrift? = nil, hasSiblings: Bool = true
  ) {
    self.hasSiblings = hasSiblings
    self.costs = costs
    steady = costs.betweenSpeeds()
    self.drift = drift
    self.most = most
    tracker = SurvivalTracker(evidence, estimator: estimator, heads: heads)
    budget = SpeculationBudget(plainRound: costs.verify(1, context: 256) + costs.overhead)
    (meanTokens, meanSeconds) = Self.bestRate(costs, estimator, most)
  }

  package var name: String {
    guard hasSiblings else { return "cost-aware-chain" }
    return tracker.evidence == .both ? "cost-aware" : "cost-aware-\(tracker.evidence.rawValue)"
  }
  package var needs: EvidenceNeeds { tracker.needs }
  package var estimator: AcceptanceEstimator { tracker.estimator }

  /// Tokens per second.
  private var lambda: Double { meanTokens / meanSeconds }

  /// V(n) as it is now.
  private func verify(_ tokens: Int, _ position: Int) -> Double {
    guard isTextFixed else { return steady.verify(tokens, context: position) }
    return drift?.verify(tokens, context: position, costs)
      ?? costs.verify(tokens, context: position)
  }

  package mutating func scoresAnother(_ state: DraftState) -> Bool {
    let count = state.candidates.count
    if count == 0 {
      tracker.begin()
      (steps, isTrying) = (0, false)
      isTextFixed = state.isTextFixed
      guard isAnotherAffordable(state) else { return false }
      guard !pays(state) else { return true }
      isTrying = isTimeToTry()
      return isTrying
    }
    return count < most && !isTrying && isAnotherAffordable(state) && pays(state)
  }

  private func isAnotherAffordable(_ state: DraftState) -> Bool {
    isAffordable(steps: steps + 1, rows: state.candidates.count + 2, state.position)
  }

  /// Whether the budget holds a round of so many draft steps and rows, should none of it be kept.
  private func isAffordable(steps: Int, rows: Int, _ position: Int) -> Bool {
    budget.allows(
      draftSeconds(steps, position) + verify(rows, position) - verify(1, position))
  }

  /// Of `steps` steps of a round.
  private func draftSeconds(_ steps: Int, _ position: Int) -> Double {
    let measured = measuredDraftSeconds(steps, position)
    guard isTextFixed, let drift else { return measured }
    return drift.draft * measured
  }

  private func measuredDraftSeconds(_ steps: Int, _ position: Int) -> Double {
    costs.draft(steps, context: position) + Double(steps) * costs.head
  }

  /// Rows of a round that ends as it is, with as many siblings as rounds have had.
  private func expectedRows(_ state: DraftState) -> Int {
    state.candidates.count + 1 + Int(meanSiblings.rounded())
  }

  /// Whether some number of further candidates is expected to pay, each to be scored and verified;
  /// more than one is looked at, because V(n) rises in steps.
  private func pays(_ state: DraftState) -> Bool {
    let count = state.candidates.count
    // A look-up costs nothing to ask.
    func drafting(_ further: Int) -> Double {
      tracker.isLookingUp
        ? 0
        : draftSeconds(steps + further, state.position) - draftSeconds(steps, state.position)
    }
    let rows = expectedRows(state)
    let before = verify(rows, state.position)
    var (chance, tokens) = (tracker.survival, 0.0)
    for further in 1...4 where count + further <= min(most, state.room) {
      if further == 1, let last = tracker.lastChance {
        chance *= tracker.estimator.mean(following: last)
      } else {
        chance *= tracker.estimator.mean(depth: count + further - 1)
      }
      tokens += chance
      let after = verify(rows + further, state.position)
      if tokens > lambda * (drafting(further) + after - before) { return true }
    }
    return false
  }

  private mutating func isTimeToTry() -> Bool {
    idleRounds += 1
    guard idleRounds >= patience else { return false }
    idleRounds = 0
    patience = min(2 * patience, 256)
    return true
  }

  package mutating func submits(_ next: DraftEvidence, after state: DraftState) -> Bool {
    if next.matchLength == nil { steps += 1 }
    let survival = tracker.score(next, after: state)
    // It is scored: what is left to pay is its verification.
    let rows = expectedRows(state)
    let added = verify(rows + 1, state.position) - verify(rows, state.position)
    guard isTrying || survival > lambda * added else { return false }
    tracker.submit()
    return true
  }

  package mutating func siblings(_ state: DraftState) -> [Int] {
    guard hasSiblings, !isTrying else { return [] }
    let rows = state.candidates.count + 1
    let before = verify(rows, state.position)
    let places = tracker.siblingChances.sorted { $0.chance > $1.chance }
    // As many of the best as pay together, because V(n) rises in steps.
    var (best, gain, tokens) = (0, 0.0, 0.0)
    for (index, place) in places.enumerated() {
      tokens += place.chance
      let added = verify(rows + index + 1, state.position) - before
      guard isAffordable(steps: steps, rows: rows + index + 1, state.position) else { break }
      if tokens - lambda * added > gain { (best, gain) = (index + 1, tokens - lambda * added) }
    }
    return places[..<best].map(\.place)
  }

  package mutating func observe(_ round: RoundRecord) {
    guard !round.isPrefill else {
      hasRead = false
      return
    }
    tracker.observe(round)
    meanSiblings += (Double(round.siblings?.count ?? 0) - meanSiblings) / 16
    // One token is pending, two behind a sibling, all where the cache was given up.
    let rows = min(round.forwarded, round.proposed + 2)
    if let drift, rows == round.forwarded {
      drift.observe(
        round.forwarded, context: round.position, seconds: round.seconds.verify, costs)
      if hasRead {
        drift.observe(
          draft: round.seconds.draft, expected: measuredDraftSeconds(steps, round.position))
      }
    }
    hasRead = rows == round.forwarded && (hasRead || steps > 0)
    if round.accepted > 0 { (patience, idleRounds) = (Self.leastPatience, 0) }
    let seconds =
      draftSeconds(steps, round.position)
      + verify(rows, round.position) + costs.overhead
    budget.spend(
      seconds, tokens: round.emitted,
      plainRound: verify(1, round.position) + costs.overhead)
    steps = 0
    rounds += 1
    let share = max(1.0 / 64, 1 / (16 + rounds))
    meanTokens += (Double(round.emitted) - meanTokens) * share
    meanSeconds += (seconds - meanSeconds) * share
  }

  /// Tokens and seconds of the round length that promises most before anything is known.
  private static func bestRate(
    _ costs: CostModel, _ estimator: AcceptanceEstimator, _ most: Int
  ) -> (tokens: Double, seconds: Double) {
    let context = 256
    var best = (tokens: 1.0, seconds: costs.verify(1, context: context) + costs.overhead)
    var (chance, tokens) = (1.0, 1.0)
    for count in 1...max(1, most) {
      chance *= estimator.mean(depth: count - 1)
      tokens += chance
      let seconds =
        costs.draft(count, context: context) + Double(count) * costs.head
        + costs.verify(count + 1, context: context) + costs.overhead
      if tokens / seconds > best.tokens / best.seconds { best = (tokens, seconds) }
    }
    return best
  }
}

/// Bounds what speculation may lose against plain decoding, whatever the draft does and whatever was
/// expected of it: a hundredth of plain decoding's time, and one and a half rounds to begin with.
///
/// What drafting gains it may lose again, but not more than eight rounds of it, so that a good past
/// does not pay for a bad present for long.
struct SpeculationBudget: Sendable {
  /// Seconds that may be lost.
  private var balance: Double
  private var most: Double

  /// - Parameter plainRound: seconds of a round of plain decoding.
  init(plainRound: Double) {
    balance = 1.5 * plainRound
    most = 8 * plainRound
  }

  /// Whether a round may take so many seconds more than a plain one.
  func allows(_ seconds: Double) -> Bool { seconds <= balance }

  /// A round that took `seconds` has emitted `tokens`, for each of which plain decoding takes
  /// `plainRound`.
  mutating func spend(_ seconds: Double, tokens: Int, plainRound: Double) {
    let plain = Double(tokens) * plainRound
    balance = min(balance + 1.01 * plain - seconds, most)
  }
}
