/// Stops when the draft's next token is too uncertain, by a bound on its acceptance that follows from
/// the entropy H alone.
package struct EntropyThreshold: DraftLengthPolicy {
  package enum Rule: Sendable, Equatable {
    /// AdaEDL (2410.18351): submit no further candidate when `1 - sqrt(0.2 H)` is below a threshold
    /// that follows the acceptance rate.
    case adaptive
    /// SVIP (2411.18462): stop after a candidate with `sqrt(0.15 H) > 0.3`.
    case selfVerified
  }

  package let rule: Rule
  package let most: Int
  private var threshold = 0.4
  private var acceptance = 0.5

  package init(_ rule: Rule, most: Int? = nil) {
    self.rule = rule
    self.most = most ?? (rule == .adaptive ? 20 : 40)
  }

  package var name: String { rule == .adaptive ? "adaedl" : "svip" }
  package var needs: EvidenceNeeds { [.summary] }

  package mutating func scoresAnother(_ state: DraftState) -> Bool {
    guard state.candidates.count < most else { return false }
    guard rule == .selfVerified, let last = state.candidates.last?.evidence.summary else {
      return true
    }
    return (0.15 * last.entropy).squareRoot() <= 0.3
  }

  package mutating func submits(_ next: DraftEvidence, after state: DraftState) -> Bool {
    guard rule == .adaptive, !state.candidates.isEmpty, let summary = next.summary else {
      return true
    }
    return 1 - (0.2 * summary.entropy).squareRoot() >= threshold
  }

  /// Draft & Verify's update (2309.08168): toward an acceptance rate of 0.9.
  package mutating func observe(_ round: RoundRecord) {
    guard rule == .adaptive, !round.candidates.isEmpty else { return }
    let rate = Double(round.accepted) / Double(round.candidates.count)
    acceptance = 0.5 * acceptance + 0.5 * rate
    threshold = 0.9 * threshold + 0.1 * (threshold + (acceptance < 0.9 ? 0.01 : -0.01))
  }
}
