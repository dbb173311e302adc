#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Memory for weights and activations, 64-byte aligned and zero at first.
///
/// It is a class so that matrices, caches and the threads that fill them can share it.
package final class AlignedBuffer: @unchecked Sendable {
  // Sendable by hand: whoever shares a buffer writes disjoint parts of it.
  package let pointer: UnsafeMutableRawPointer
  package let byteCount: Int

  /// - Throws: `outOfMemory` with `purpose` as its path.
  package init(byteCount: Int, purpose: String) throws(ModelError) {
    // calloc gives pages that are zero without touching them; the alignment is added by hand.
    let (padded, overflow) = byteCount.addingReportingOverflow(64)
    guard byteCount >= 0, !overflow, let base = calloc(padded, 1) else {
      throw ModelError(
        .outOfMemory, path: purpose, problem: "\(byteCount) bytes of memory could not be had")
    }
    allocation = base
    pointer = UnsafeMutableRawPointer(bitPattern: (UInt(bitPattern: base) + 63) & ~63) ?? base
    self.byteCount = byteCount
  }

  private let allocation: UnsafeMutableRawPointer

  deinit { free(allocation) }
}

extension AlignedBuffer {
  convenience init(floats: Int, purpose: String) throws(ModelError) {
    try self.init(byteCount: floats * MemoryLayout<Float>.stride, purpose: purpose)
  }

  var floats: UnsafeMutablePointer<Float> { pointer.assumingMemoryBound(to: Float.self) }
}
