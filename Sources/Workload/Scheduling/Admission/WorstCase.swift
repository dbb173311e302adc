/// Room for prompt and output limit of everybody who runs: never preempts, and leaves most of what
/// it reserves unused.
package struct WorstCase: AdmissionPolicy {
  package init() {}

  package var name: String { "worst-case" }
  package var usesPredictions: Bool { false }

  package func admits(
    _ candidate: RequestState, beside running: RunningRequests, cache: BlockPool
  ) -> Bool {
    func reserved(_ request: RequestState) -> Int {
      cache.blocks(for: request.inputLength + max(request.outputLimit, request.generated + 1))
    }
    return running.reduce(reserved(candidate)) { $0 + reserved($1) } <= cache.capacity
  }
}
