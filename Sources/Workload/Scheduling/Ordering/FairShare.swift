/// The client that has been given least is next: virtual token counters (VTC, arXiv 2401.00588).
/// Service is `inputWeight` x prompt tokens + `outputWeight` x answer tokens; a client that comes
/// back from idling starts at the least counter of those that are here, so that idling saves
/// nothing up.
package struct FairShare: OrderingPolicy {
  package var inputWeight: Double
  package var outputWeight: Double
  /// Service given so far, by `Request.client`.
  package private(set) var counters: [Double] = []
  /// Requests of each client that are here.
  private var active: [Int: Int] = [:]

  package init(inputWeight: Double = 1, outputWeight: Double = 2) {
    self.inputWeight = inputWeight
    self.outputWeight = outputWeight
  }

  package var name: String { "vtc" }
  package var usesPredictions: Bool { false }
  package var keyIsClients: Bool { true }
  package var reviewInterval: Int { 16 }
  package var accountsService: Bool { true }

  package func key(of request: RequestState, at now: Time) -> Double {
    counters[request.client]
  }

  package mutating func submitted(_ request: RequestState) {
    let client = request.client
    while counters.count <= client { counters.append(0) }
    if active[client] == nil, let least = active.keys.map({ counters[$0] }).min() {
      counters[client] = max(counters[client], least)
    }
    active[client, default: 0] += 1
  }

  package mutating func served(_ request: RequestState, input: Int, output: Int) {
    counters[request.client] += inputWeight * Double(input) + outputWeight * Double(output)
  }

  package mutating func departed(_ request: RequestState) {
    let left = (active[request.client] ?? 1) - 1
    active[request.client] = left > 0 ? left : nil
  }
}
