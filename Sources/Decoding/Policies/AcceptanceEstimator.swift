/// Calibrated estimates of whether a candidate will be kept, before it is drawn and after it was fed.
///
/// The estimates keep learning from the acceptance of every candidate that a round judges: those are
/// labels on the very text, at the very temperature, that is being decoded.
package struct AcceptanceEstimator: Sendable, Codable {
  /// Of the next candidate, before its draw.
  package var beforeDraw = OnlineLogistic(weights: [1.0, 0.6, 0.3, -0.5, 0, 1, 0.3, 0])
  /// Of the last candidate, once its own state is known: SpecDec++'s signal.
  package var afterFeeding = OnlineLogistic(weights: [1.0, 0.6, 0, -0.5, 0.2, -0.2, 0.3, 0])
  /// Of a candidate that a look-up found, by the length of its match.
  private var lookup = [Double](repeating: 0.6, count: 9)
  /// A running mean of all outcomes.
  private var recent = 0.7
  /// Of the i-th candidate given that those before it were kept.
  package private(set) var byDepth = [Double](repeating: 0.75, count: 33)

  package init() {}

  /// What is known of the next candidate before its draw.
  ///
  /// - Parameter head: a trained head's logit, 0 without one.
  package func features(
    beforeDraw next: DraftEvidence, depth: Int, head: Double
  ) -> SIMD8<Double> {
    let summary = next.summary
    let top = summary?.topProbability ?? 0.7
    let margin = top - (summary?.secondProbability ?? 0)
    return [
      1, .logit(top) / 2, margin, summary?.entropy ?? 1, Double(min(depth, 8)) / 8, recent - 0.7,
      head, summary == nil ? 1 : 0,
    ]
  }

  /// What is known of a candidate after its own state was computed.
  package func features(
    afterFeeding candidate: DrawnCandidate, next: DraftEvidence, head: Double
  ) -> SIMD8<Double> {
    [
      1, .logit(candidate.confidence) / 2, candidate.evidence.summary?.topProbability ?? 0.7,
      candidate.evidence.summary?.entropy ?? 1, .logit(next.summary?.topProbability ?? 0.7) / 2,
      next.summary?.entropy ?? 1, head, recent - 0.7,
    ]
  }

  /// Of a looked-up candidate.
  package func looksUp(matchLength: Int) -> Double { lookup[min(matchLength, lookup.count - 1)] }

  /// The running mean acceptance of the i-th candidate of a round, `i` from 0.
  package func mean(depth: Int) -> Double { byDepth[min(depth, byDepth.count - 1)] }

  /// Learns from a candidate that was judged.
  package mutating func learn(
    acceptance: Double, depth: Int, beforeDraw: SIMD8<Double>?, afterFeeding: SIMD8<Double>?,
    matchLength: Int?
  ) {
    let place = min(depth, byDepth.count - 1)
    byDepth[place] += 0.02 * (acceptance - byDepth[place])
    if let matchLength {
      let bucket = min(matchLength, lookup.count - 1)
      lookup[bucket] += 0.05 * (acceptance - lookup[bucket])
      return
    }
    if let beforeDraw { self.beforeDraw.learn(beforeDraw, label: acceptance) }
    if let afterFeeding { self.afterFeeding.learn(afterFeeding, label: acceptance) }
    recent += 0.1 * (acceptance - recent)
  }
}
