/// Which evidence the chance that candidates are kept is estimated from.
package enum SurvivalEvidence: String, Sendable, CaseIterable {
  /// The draft's own probabilities, as they are.
  case draft
  /// What is known before a candidate is drawn.
  case before
  /// What is known once it was fed: SpecDec++'s signal.
  case after
  case both
}

/// The chance that all candidates of a round so far will be kept, estimated from a pair's evidence and
/// kept calibrated by every round's outcome.
package struct SurvivalTracker: Sendable {
  package let evidence: SurvivalEvidence
  package private(set) var estimator: AcceptanceEstimator
  private var heads: AcceptanceHeads.Reader?

  /// Chance that all candidates fed so far are kept.
  private var fed = 1.0
  /// The smallest chance among them.
  private var least = 1.0
  private var temperature = 0.0
  /// The round's candidates, in order.
  private var trail: [Step] = []
  /// The one that was scored last, and not submitted yet.
  private var scored: Step?

  private struct Step {
    /// That it is kept when those before it are.
    var chance: Double
    /// That it is, and those before it, as it was when it was submitted.
    var survival: Double
    var survivalFeatures: SIMD8<Double>
    var beforeDraw: SIMD8<Double>
    var afterFeeding: SIMD8<Double>?
    var matchLength: Int?
    /// Where the draft has a second choice.
    var summary: LogitsSummary?
  }

  /// - Parameter heads: trained heads, whose logits become one more piece of evidence.
  package init(
    _ evidence: SurvivalEvidence = .both, estimator: AcceptanceEstimator, heads: AcceptanceHeads?
  ) {
    self.evidence = evidence
    self.estimator = estimator
    self.heads = heads.map(AcceptanceHeads.Reader.init)
  }

  var needs: EvidenceNeeds {
    heads == nil ? [.summary] : [.summary, .repetition, .hidden]
  }

  /// That all candidates drawn so far are kept.
  package var survival: Double { trail.last?.survival ?? 1 }

  /// The last candidate's chance; nil before the first.
  package var lastChance: Double? { trail.last?.chance }

  /// How many of the candidates a model proposed.
  var modelCount: Int { trail.count { $0.matchLength == nil } }
  /// Whether a look-up proposed the last candidate: it will most likely propose the next, too.
  var isLookingUp: Bool { trail.last?.matchLength != nil }

  mutating func begin() { (fed, least, trail, scored) = (1, 1, [], nil) }

  /// For each place where the draft has a second choice: the chance that the candidates before it are
  /// kept, its own is rejected and a second one is right.
  var siblingChances: [(place: Int, chance: Double)] {
    trail.enumerated().compactMap { place, step in
      guard step.matchLength == nil, let summary = step.summary else { return nil }
      let reached = place > 0 ? trail[place - 1].survival : 1
      let right = estimator.sibling(summary, temperature: temperature)
      return (place, reached * (1 - step.chance) * right)
    }
  }

  /// Takes in what is known of the next candidate, and with it of the last one.
  ///
  /// - Returns: the chance that the candidates so far and the next are all kept.
  mutating func score(_ next: DraftEvidence, after state: DraftState) -> Double {
    let depth = state.candidates.count
    temperature = state.temperature
    if let last = state.candidates.last, var step = trail.last {
      let features = estimator.features(
        afterFeeding: last, next: next, depth: depth - 1, before: step.chance,
        head: heads?.afterFeeding(
          last, next: next, depth: depth - 1, temperature: state.temperature) ?? 0)
      step.afterFeeding = features
      if step.matchLength == nil {
        switch evidence {
        case .draft: step.chance = last.confidence
        case .before: break
        case .after, .both: step.chance = estimator.afterFeeding.probability(features)
        }
      }
      trail[depth - 1] = step
      fed *= step.chance
      least = min(least, step.chance)
    }
    let features = estimator.features(
      beforeDraw: next, depth: depth,
      head: heads?.beforeDraw(next, depth: depth, temperature: state.temperature) ?? 0)
    var chance = next.matchLength.map(estimator.looksUp)
    switch evidence {
    case _ where chance != nil: break
    case .draft: chance = next.summary?.topProbability
    case .before, .both: chance = estimator.beforeDraw.probability(features)
    case .after: break
    }
    let own = chance ?? estimator.mean(depth: depth)
    let together = estimator.features(
      product: fed * own, last: own, least: min(own, least), depth: depth,
      temperature: state.temperature)
    let survival =
      evidence == .draft ? fed * own : estimator.survival.probability(together)
    scored = Step(
      chance: own, survival: min(survival, self.survival), survivalFeatures: together,
      beforeDraw: features, matchLength: next.matchLength,
      summary: next.choices == nil ? nil : next.summary)
    return scored?.survival ?? 0
  }

  /// The candidate that was scored last will be drawn.
  mutating func submit() {
    if let scored { trail.append(scored) }
    scored = nil
  }

  /// Learns from a round.
  mutating func observe(_ round: RoundRecord) {
    if let scored, round.accepted == round.candidates.count, scored.matchLength == nil {
      estimator.learn(
        unsubmitted: scored.chance, depth: trail.count, previous: trail.last?.chance)
    }
    if let keeps = round.keepsSibling, round.accepted < trail.count,
      let summary = trail[round.accepted].summary
    {
      estimator.learn(sibling: keeps, summary, temperature: temperature)
    }
    for (depth, step) in trail.prefix(round.candidates.count).enumerated() {
      estimator.survival.learn(step.survivalFeatures, label: depth < round.accepted ? 1 : 0)
    }
    for (depth, candidate) in round.candidates.enumerated() where depth < trail.count {
      guard let acceptance = candidate.acceptance else { continue }
      estimator.learn(
        acceptance: acceptance, depth: depth, beforeDraw: trail[depth].beforeDraw,
        afterFeeding: trail[depth].afterFeeding,
        previous: depth > 0 ? trail[depth - 1].chance : nil,
        matchLength: trail[depth].matchLength)
    }
    begin()
  }
}
