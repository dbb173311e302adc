/// Admits while the peak of what the batch is expected to hold stays within the cache
/// (LightLLM's Past-Future scheduler, arXiv 2507.10150).
///
/// If the requests that run and the candidate have c_i tokens now and r_i to go, the peak is reached
/// when one of them ends: sorted by r descending, it is max over i of sum_{j<=i} (c_j + r_i). The
/// r_i are expectations given what has been survived, from each request's own prediction or, where
/// it has none, from the lengths of the last requests that ended.
package struct PastFuture: AdmissionPolicy {
  /// Share of the cache kept as a margin.
  package var margin: Double
  /// How many past lengths are remembered.
  package var window: Int
  /// Whether requests' own predictions are used where they are there.
  package var usesPredictions: Bool
  private var lengths: [Float] = []
  private var oldest = 0
  private var sinceSummary = 0
  private var past: LengthPrediction?

  package init(margin: Double = 0.03, window: Int = 1000, usesPredictions: Bool = true) {
    self.margin = margin
    self.window = max(1, window)
    self.usesPredictions = usesPredictions
  }

  package var name: String { "past-future" }
  package var reviewInterval: Int { 32 }

  package mutating func finished(length: Int) {
    if lengths.count < window {
      lengths.append(Float(length))
    } else {
      lengths[oldest] = Float(length)
      oldest = (oldest + 1) % window
    }
    sinceSummary += 1
    if past == nil || sinceSummary >= 32 {
      past = LengthPrediction(sorted: lengths.sorted())
      sinceSummary = 0
    }
  }

  package func admits(
    _ candidate: RequestState, beside running: RunningRequests, cache: BlockPool
  ) -> Bool {
    func left(_ request: RequestState) -> Double {
      let most = Double(max(1, request.outputLimit - request.generated))
      guard let belief = (usesPredictions ? request.prediction : nil) ?? past else { return most }
      return min(most, belief.expectedRemaining(after: Double(request.generated)))
    }
    var members = running.map { (now: Double($0.known), left: left($0)) }
    members.append((now: Double(candidate.known), left: left(candidate)))
    members.sort { $0.left > $1.left }
    var peak = 0.0
    var held = 0.0
    for (index, member) in members.enumerated() {
      held += member.now
      peak = max(peak, held + Double(index + 1) * member.left)
    }
    // The last block of each request is half empty on average.
    peak += Double(members.count * cache.blockSize) / 2
    return peak <= Double(cache.capacity * cache.blockSize) * (1 - margin)
  }
}
