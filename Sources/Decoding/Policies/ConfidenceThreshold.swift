/// Stops after a candidate that the draft itself found unlikely (transformers'
/// `assistant_confidence_threshold`, 0.4 and at most 20 candidates).
package struct ConfidenceThreshold: DraftLengthPolicy {
  package private(set) var threshold: Double
  package let most: Int
  /// Moves the threshold after every round to where one false alarm weighs a third of one miss, on
  /// the receiver operating characteristic of all candidates so far (transformers' PR 34156).
  package let adapts: Bool
  private var judged: [(confidence: Double, isKept: Bool)] = []

  package init(threshold: Double = 0.4, most: Int = 20, adapts: Bool = false) {
    self.threshold = threshold
    self.most = most
    self.adapts = adapts
  }

  package var name: String { adapts ? "confidence-roc" : "confidence-\(threshold)" }
  package var needs: EvidenceNeeds { [.summary] }

  package mutating func scoresAnother(_ state: DraftState) -> Bool {
    guard let last = state.candidates.last else { return true }
    return state.candidates.count < most && last.confidence >= threshold
  }

  package mutating func observe(_ round: RoundRecord) {
    guard adapts else { return }
    // What stands behind the first rejected candidate was not judged.
    for (index, candidate) in round.candidates.prefix(round.accepted + 1).enumerated() {
      judged.append((candidate.confidence, index < round.accepted))
    }
    judged.removeFirst(max(0, judged.count - 1000))
    let kept = judged.count { $0.isKept }
    guard judged.count > 5, kept > 0, kept < judged.count else { return }
    threshold = bestThreshold(kept: Double(kept), rejected: Double(judged.count - kept))
  }

  /// The confidence at which `falsePositiveRate + 3 * falseNegativeRate` is least.
  private func bestThreshold(kept: Double, rejected: Double) -> Double {
    var best = (cost: 3.0, threshold: 1.0)
    var (truePositives, falsePositives) = (0.0, 0.0)
    let ranked = judged.sorted { $0.confidence > $1.confidence }
    for (index, entry) in ranked.enumerated() {
      if entry.isKept { truePositives += 1 } else { falsePositives += 1 }
      let isLastOfItsValue =
        index + 1 == ranked.count || ranked[index + 1].confidence < entry.confidence
      let cost = falsePositives / rejected + 3 * (1 - truePositives / kept)
      if isLastOfItsValue, cost < best.cost { best = (cost, entry.confidence) }
    }
    return best.threshold
  }
}

extension CandidateRecord {
  /// As `DrawnCandidate.confidence`.
  package var confidence: Double {
    probability < 1 ? probability : topProbability ?? probability
  }
}
