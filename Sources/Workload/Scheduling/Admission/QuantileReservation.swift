/// Room for prompt and a quantile of the predicted answer of everybody who runs; the quantile moves
/// up as a request survives. Without a prediction the output limit is reserved.
package struct QuantileReservation: AdmissionPolicy {
  package var level: Double

  package init(level: Double = 0.9) { self.level = level }

  package var name: String { "quantile" }
  package var reviewInterval: Int { 32 }

  package func admits(
    _ candidate: RequestState, beside running: RunningRequests, cache: BlockPool
  ) -> Bool {
    func reserved(_ request: RequestState) -> Int {
      let most = max(request.outputLimit, request.generated + 1)
      guard let prediction = request.prediction else {
        return cache.blocks(for: request.inputLength + most)
      }
      let left = prediction.remaining(level, after: request.generated).rounded(.up)
      let total = min(Double(request.generated) + left, Double(most))
      return cache.blocks(for: request.inputLength + Int(total))
    }
    return running.reduce(reserved(candidate)) { $0 + reserved($1) } <= cache.capacity
  }
}
