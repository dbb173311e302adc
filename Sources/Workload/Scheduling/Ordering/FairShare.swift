/// The client that has been given least is next: virtual token counters (VTC, arXiv 2401.00588).
/// Service is `inputWeight` x prompt tokens + `outputWeight` x answer tokens; a client that comes
/// back from idling starts at the least counter of those that are here, so that idling saves
/// nothing up.
package struct FairShare: OrderingPolicy {
  package var inputWeight: Double
  package var outputWeight: Double
  /// Service given so far, by client.
  package private(set) var counters: [Int: Double] = [:]
  /// Requests of each client that are here.
  private var active: [Int: Int] = [:]

  package init(inputWeight: Double = 1, outputWeight: Double = 2) {
    self.inputWeight = inputWeight
    self.outputWeight = outputWeight
  }

  package var name: String { "vtc" }
  package var keysDrift: Bool { true }
  package var reviewInterval: Int { 16 }
  package var accountsService: Bool { true }

  package func key(of request: RequestState, at now: Time) -> Double {
    counters[request.client] ?? 0
  }

  package mutating func submitted(_ request: RequestState) {
    let client = request.client
    if active[client] == nil {
      let least = active.keys.compactMap { counters[$0] }.min()
      counters[client] = max(counters[client] ?? 0, least ?? 0)
    }
    active[client, default: 0] += 1
  }

  package mutating func served(_ request: RequestState, input: Int, output: Int) {
    counters[request.client, default: 0] +=
      inputWeight * Double(input) + outputWeight * Double(output)
  }

  package mutating func departed(_ request: RequestState) {
    let left = (active[request.client] ?? 1) - 1
    active[request.client] = left > 0 ? left : nil
  }
}
