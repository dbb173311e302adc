/// Admits while the probability that the batch outgrows the cache stays below `risk` at each of a
/// row of moments ahead.
///
/// After h more steps request i holds c_i + h tokens with probability S_i(g_i + h) / S_i(g_i) and
/// nothing otherwise. The sum over requests is taken as normal, with that mean and variance.
package struct ChanceConstrained: AdmissionPolicy {
  /// The chance of overflow that is put up with at each moment.
  package let risk: Double
  private let deviations: Double
  private static let horizons: [Double] = [1, 8, 24, 64, 128, 256, 512, 1024, 2048, 4096]

  package init(risk: Double = 0.05) {
    self.risk = min(max(risk, 1e-9), 0.5)
    deviations = -Normal.quantile(self.risk)
  }

  package var name: String { "chance" }
  package var reviewInterval: Int { 32 }

  package func admits(
    _ candidate: RequestState, beside running: RunningRequests, cache: BlockPool
  ) -> Bool {
    let capacity = Double(cache.capacity * cache.blockSize)
    for horizon in Self.horizons {
      var (mean, variance) = (0.0, 0.0)
      func add(_ request: RequestState) {
        let held = Double(request.known) + horizon + Double(cache.blockSize) / 2
        let chance = aliveAfter(horizon, request)
        mean += held * chance
        variance += held * held * chance * (1 - chance)
      }
      add(candidate)
      for request in running { add(request) }
      if mean + deviations * variance.squareRoot() > capacity { return false }
    }
    return true
  }

  private func aliveAfter(_ steps: Double, _ request: RequestState) -> Double {
    let done = Double(request.generated)
    if done + steps > Double(request.outputLimit) { return 0 }
    guard let prediction = request.prediction else { return 1 }
    let alive = prediction.survival(done)
    // One that was to have ended is taken to end soon.
    return alive > 0 ? prediction.survival(done + steps) / alive : (steps > 8 ? 0 : 1)
  }
}
