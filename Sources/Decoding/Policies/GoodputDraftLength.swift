/// The length that promises the most tokens per second, by measured costs and a running acceptance
/// rate (TurboSpec, 2406.14066; SGLang's profiled policy).
package struct GoodputDraftLength: DraftLengthPolicy {
  package let costs: CostModel
  package let most: Int
  /// Of a candidate, given that those before it were kept.
  private var acceptance = 0.7
  private var length = 0

  package init(costs: CostModel, most: Int = 20) {
    self.costs = costs
    self.most = most
  }

  package var name: String { "goodput" }

  package mutating func scoresAnother(_ state: DraftState) -> Bool {
    if state.candidates.isEmpty {
      func rate(_ count: Int) -> Double {
        costs.tokensPerSecond(drafting: count, acceptance: acceptance, context: state.position)
      }
      length = (0...most).max { rate($0) < rate($1) } ?? 0
    }
    return state.candidates.count < length
  }

  package mutating func observe(_ round: RoundRecord) {
    for index in 0..<min(round.accepted + 1, round.candidates.count) {
      acceptance += 0.02 * ((index < round.accepted ? 1 : 0) - acceptance)
    }
  }
}
