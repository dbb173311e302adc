/// Admits whoever fits into the cache at every step to come beside those who run, by how long all
/// their answers will be; and, past one that does not fit, those behind it that do. With exact
/// predictions it is clairvoyant packing: the cache is as full as it can be without anybody losing
/// blocks.
///
/// A request that knows c tokens and has r to go holds blocks(c + h - 1) in its h-th step from now,
/// h = 1...r, and nothing after it. The sum over requests is greatest in the last step of one of
/// them, so those steps are looked at, in blocks, not in tokens. (The look ahead is that of MC-SF,
/// Jaillet et al., arXiv 2502.07115, which stops at the first that does not fit; to go on is first
/// fit.) A prompt is taken to be computed in one step: where it takes more its request ends later
/// than foreseen, and may find the cache full.
package struct CachePacking: AdmissionPolicy {
  /// Waiting requests that are looked at in a step behind the first that is refused.
  package var reach: Int

  package init(reach: Int = 32) { self.reach = max(0, reach) }

  package var name: String { "packing" }
  package var reviewInterval: Int { 16 }

  private struct Member {
    var known: Int
    var left: Int
  }

  package func admits(
    _ candidate: RequestState, beside running: RunningRequests, cache: BlockPool
  ) -> Bool {
    var members = running.map(member)
    members.append(member(candidate))
    members.sort { $0.left > $1.left }
    let (size, room) = (cache.blockSize, cache.capacity * cache.blockSize)
    var known = 0
    for (index, last) in members.enumerated() {
      known += last.known
      let tokens = known + (index + 1) * (last.left - 1)
      if tokens > room { return false }
      // What the blocks' last parts may waste decides only where it is close.
      guard tokens + (index + 1) * (size - 1) > room else { continue }
      let blocks = members[...index].reduce(0) {
        $0 + cache.blocks(for: $1.known + last.left - 1)
      }
      if blocks > cache.capacity { return false }
    }
    return true
  }

  private func member(_ request: RequestState) -> Member {
    let most = max(1, request.outputLimit - request.generated)
    guard let prediction = request.prediction else {
      return Member(known: request.known, left: most)
    }
    let left = prediction.remaining(0.5, after: request.generated).rounded()
    return Member(known: request.known, left: min(most, max(1, Int(left))))
  }
}
