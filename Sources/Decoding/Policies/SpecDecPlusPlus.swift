package import Learning

/// SpecDec++ (2405.19715) as its authors run it.
///
/// The head reads the draft's final state of each candidate once it was fed, and predicts whether the
/// candidate is kept; drafting stops when the predicted chance that some candidate fails,
/// `1 - S`, exceeds the threshold. Kept from the published code on purpose: the first candidate of a
/// round counts as sure; the token that was drawn from the last state rides along unjudged, so that
/// no round drafts fewer than two; the inequality is strict; predictions are those of a head trained
/// with rejections weighted six times, which are no calibrated probabilities.
package struct SpecDecPlusPlus: DraftLengthPolicy {
  /// `(hidden) -> 2` logits: rejected, accepted.
  package let head: DenseNetwork
  package let threshold: Double
  package let bounds: ClosedRange<Int>
  private var survival = 1.0
  private var judged = 0
  private var workspace: NetworkWorkspace
  private var logits: [Float] = [0, 0]

  package init(
    head: DenseNetwork, threshold: Double = 0.7, bounds: ClosedRange<Int> = 2...20
  ) {
    precondition(head.outputWidth == 2)
    self.head = head
    self.threshold = threshold
    self.bounds = bounds
    workspace = NetworkWorkspace(for: head)
  }

  package var name: String { "specdec++-\(threshold)" }
  package var needs: EvidenceNeeds { [.hidden] }

  package mutating func scoresAnother(_ state: DraftState) -> Bool {
    let count = state.candidates.count
    if count == 0 { (survival, judged) = (1, 1) }
    // The state that the newest candidate was drawn from is that of the one before it.
    while judged < count {
      survival *= acceptance(state.candidates[judged].evidence.hidden)
      judged += 1
    }
    if count >= bounds.upperBound { return false }
    return count < bounds.lowerBound || 1 - survival <= threshold
  }

  /// The head's prediction for the token with this state.
  package mutating func acceptance(_ hidden: [Float]?) -> Double {
    guard let hidden, hidden.count == head.inputWidth else { return 1 }
    head.predict(hidden.span, into: &logits, workspace: &workspace)
    return SoftLabelCrossEntropy(link: .twoClassSoftmax).probability(logits.span)
  }
}
