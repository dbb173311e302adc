/// Any order: what ordering by a worthless prediction comes to.
package struct RandomOrder: OrderingPolicy {
  package var seed: UInt64

  package init(seed: UInt64 = 0) { self.seed = seed }

  package var name: String { "random" }
  package var usesPredictions: Bool { false }

  package func key(of request: RequestState, at now: Time) -> Double {
    var random = RandomSource(seed: seed, item: request.id)
    return random.uniform()
  }
}
