/// SpecDec++'s stop rule (2405.19715) with the draft's own probabilities in the place of a trained
/// head: stop when `1 - product of q(Y)` exceeds a threshold, between 2 and 20 candidates.
package struct CumulativeConfidence: DraftLengthPolicy {
  package let threshold: Double
  package let bounds: ClosedRange<Int>

  package init(threshold: Double = 0.7, bounds: ClosedRange<Int> = 2...20) {
    self.threshold = threshold
    self.bounds = bounds
  }

  package var name: String { "product-\(threshold)" }
  package var needs: EvidenceNeeds { [.summary] }

  package mutating func scoresAnother(_ state: DraftState) -> Bool {
    let count = state.candidates.count
    if count < bounds.lowerBound { return true }
    if count >= bounds.upperBound { return false }
    return 1 - state.candidates.reduce(1) { $0 * $1.confidence } <= threshold
  }
}
