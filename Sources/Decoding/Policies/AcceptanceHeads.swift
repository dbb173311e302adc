/// Trained heads on the draft's final state, as one more piece of evidence for the cost-aware policy.
package protocol AcceptanceHeads: Sendable {
  /// Log-odds that the candidate predicted from this state will be kept, before it is drawn.
  func beforeDraw(_ hidden: [Float]?) -> Double
  /// Log-odds that the token whose own state this is will be kept.
  func afterFeeding(_ hidden: [Float]?) -> Double
}
