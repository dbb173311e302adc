/// Goes on as long as another candidate is expected to earn more time than it costs.
///
/// A round of k candidates emits `1 + S(1) + ... + S(k)` tokens on average, `S(i)` being the chance
/// that the first i are kept, and costs `k t_d + V(k + 1)`. With lambda the tokens per second that
/// the generation runs at, the best policy stops where the next candidate's `S` falls below lambda
/// times what it adds to the cost (optimal stopping of tokens - lambda * seconds). Costs are measured,
/// chances estimated from the draft's evidence and kept calibrated by every round's outcome, lambda is
/// the running rate by the same costs: there is nothing to tune.
package struct CostAwareDraftLength: DraftLengthPolicy {
  package let costs: CostModel
  package let most: Int
  package private(set) var estimator: AcceptanceEstimator
  private var heads: AcceptanceHeads.Reader?

  // Running means whose ratio is lambda, over about 64 rounds.
  private var meanTokens: Double
  private var meanSeconds: Double
  // While drafting does not pay, every `patience`-th round tries again.
  private var idleRounds = 0
  private var patience = 8
  private var trail = Trail()

  /// What is known of the candidates of the round.
  private struct Trail {
    /// Chance that all candidates fed so far are kept.
    var fed = 1.0
    /// Of the last candidate, before its draw.
    var last = 1.0
    var beforeDraw: [SIMD8<Double>?] = []
    var afterFeeding: [SIMD8<Double>?] = []
    var matchLengths: [Int?] = []
  }

  /// - Parameter heads: trained heads, whose logits become one more piece of evidence.
  package init(
    costs: CostModel, estimator: AcceptanceEstimator = AcceptanceEstimator(),
    heads: AcceptanceHeads? = nil, most: Int = 24
  ) {
    self.costs = costs
    self.estimator = estimator
    self.heads = heads.map(AcceptanceHeads.Reader.init)
    self.most = most
    meanTokens = 2.5
    meanSeconds = 2.5 / costs.tokensPerSecond(drafting: 3, acceptance: 0.7, context: 256)
  }

  package var name: String { "cost-aware" }
  package var needs: EvidenceNeeds { heads == nil ? [.summary] : [.summary, .hidden] }

  /// Tokens per second.
  private var lambda: Double { meanTokens / meanSeconds }

  package mutating func scoresAnother(_ state: DraftState) -> Bool {
    let count = state.candidates.count
    if count == 0 {
      trail = Trail()
      return pays(survival: 1, from: 0, state) || isTimeToTry()
    }
    guard count < most else { return false }
    return pays(survival: trail.fed * trail.last, from: count, state)
  }

  /// Whether some number of further candidates is expected to pay, each to be scored and verified;
  /// more than one is looked at, because V(n) rises in steps.
  private func pays(survival: Double, from count: Int, _ state: DraftState) -> Bool {
    let step = costs.draftStep(context: state.position) + costs.head
    let before = costs.verify(count + 1, context: state.position)
    var (chance, tokens) = (survival, 0.0)
    for further in 1...4 where count + further <= min(most, state.room) {
      chance *= estimator.mean(depth: count + further - 1)
      tokens += chance
      let verify = costs.verify(count + further + 1, context: state.position)
      if tokens > lambda * (Double(further) * step + verify - before) { return true }
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
    let count = state.candidates.count
    if let fed = state.candidates.last {
      let features = estimator.features(
        afterFeeding: fed, next: next, head: heads?.afterFeeding(next.hidden) ?? 0)
      trail.afterFeeding[count - 1] = features
      let chance =
        trail.matchLengths[count - 1].map(estimator.looksUp)
        ?? estimator.afterFeeding.probability(features)
      trail.fed *= chance
    }
    let features = estimator.features(
      beforeDraw: next, depth: count, head: heads?.beforeDraw(next.hidden) ?? 0)
    let chance =
      next.matchLength.map(estimator.looksUp) ?? estimator.beforeDraw.probability(features)
    // It is scored: what is left to pay is its verification.
    let added =
      costs.verify(count + 2, context: state.position)
      - costs.verify(count + 1, context: state.position)
    guard trail.fed * chance > lambda * added else { return false }
    trail.last = chance
    trail.beforeDraw.append(features)
    trail.afterFeeding.append(nil)
    trail.matchLengths.append(next.matchLength)
    return true
  }

  package mutating func observe(_ round: RoundRecord) {
    guard !round.isPrefill else { return }
    let count = round.candidates.count
    for (depth, candidate) in round.candidates.enumerated() where depth < trail.beforeDraw.count {
      guard let acceptance = candidate.acceptance else { continue }
      estimator.learn(
        acceptance: acceptance, depth: depth, beforeDraw: trail.beforeDraw[depth],
        afterFeeding: trail.afterFeeding[depth], matchLength: trail.matchLengths[depth])
    }
    if count > 0, round.accepted > 0 { patience = 8 }
    let seconds =
      Double(count) * (costs.draftStep(context: round.position) + costs.head)
      + costs.verify(count + 1, context: round.position) + costs.overhead
    meanTokens += (Double(round.emitted) - meanTokens) / 64
    meanSeconds += (seconds - meanSeconds) / 64
  }
}
