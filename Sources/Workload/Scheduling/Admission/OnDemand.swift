/// Blocks are given as they are needed and a share of the cache is kept free at admission, so that
/// those who run have something to grow into. vLLM V1 keeps none, vLLM before it 1%.
package struct OnDemand: AdmissionPolicy {
  /// Share of the cache that admission leaves free.
  package var watermark: Double

  package init(watermark: Double = 0) { self.watermark = watermark }

  package var name: String { watermark == 0 ? "on-demand" : "watermark" }
  package var usesPredictions: Bool { false }

  package func admits(
    _ candidate: RequestState, beside running: RunningRequests, cache: BlockPool
  ) -> Bool {
    if watermark == 0 { return true }
    let kept = Int((watermark * Double(cache.capacity)).rounded(.up))
    return cache.free - cache.blocks(for: candidate.known) >= kept
  }
}
