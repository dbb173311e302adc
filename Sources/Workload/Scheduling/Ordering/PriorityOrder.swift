/// By the request's own priority, lower sooner, as vLLM's `priority`; with `ageing` a second of
/// waiting counts like so much priority, which keeps the order of two waiting requests fixed and
/// so costs nothing.
package struct PriorityOrder: OrderingPolicy {
  /// Priority gained per second.
  package var ageing: Double

  package init(ageing: Double = 0) { self.ageing = ageing }

  package var name: String { ageing == 0 ? "priority" : "priority-ageing" }
  package var usesPredictions: Bool { false }

  package func key(of request: RequestState, at now: Time) -> Double {
    Double(request.priority) + ageing * request.arrival.seconds
  }
}
