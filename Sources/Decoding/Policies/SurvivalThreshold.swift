/// SpecDec++'s stop rule on calibrated chances: stop when the chance that some candidate fails exceeds
/// a threshold. With other evidence and the cost-aware rule it shows what each is worth.
package struct SurvivalThreshold: DraftLengthPolicy {
  package let threshold: Double
  package let most: Int
  package private(set) var tracker: SurvivalTracker

  package init(_ tracker: SurvivalTracker, threshold: Double = 0.7, most: Int = 20) {
    self.tracker = tracker
    self.threshold = threshold
    self.most = most
  }

  package var name: String { "threshold-\(tracker.evidence.rawValue)-\(threshold)" }
  package var needs: EvidenceNeeds { tracker.needs }

  package mutating func scoresAnother(_ state: DraftState) -> Bool {
    if state.candidates.isEmpty { tracker.begin() }
    return state.candidates.count < most && 1 - tracker.survival <= threshold
  }

  package mutating func submits(_ next: DraftEvidence, after state: DraftState) -> Bool {
    let survival = tracker.score(next, after: state)
    // A round whose first candidate is not submitted teaches nothing.
    guard state.candidates.isEmpty || 1 - survival <= threshold else { return false }
    tracker.submit()
    return true
  }

  package mutating func observe(_ round: RoundRecord) {
    if !round.isPrefill { tracker.observe(round) }
  }
}
