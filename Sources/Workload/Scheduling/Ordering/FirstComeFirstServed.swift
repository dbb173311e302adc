/// By arrival. The head of the queue blocks when its blocks are not to be had; out of blocks, the
/// last admitted is preempted and goes back to the head: vLLM's `fcfs`.
package struct FirstComeFirstServed: OrderingPolicy {
  package init() {}

  package var name: String { "fcfs" }
  package var usesPredictions: Bool { false }
  package var victim: VictimRule { .lastAdmitted }
  package func key(of request: RequestState, at now: Time) -> Double { 0 }
}
