internal import CKernels

/// Memory for weights and activations, 64-byte aligned and zero at first, in huge pages where the
/// system grants them.
///
/// It is a class so that matrices, caches and the threads that fill them can share it.
package final class AlignedBuffer: @unchecked Sendable {
  // Sendable by hand: whoever shares a buffer writes disjoint parts of it.
  package let pointer: UnsafeMutableRawPointer
  package let byteCount: Int

  /// - Throws: `outOfMemory`, with `purpose` as its path.
  package init(byteCount: Int, purpose: String) throws(ModelError) {
    guard byteCount >= 0, let pointer = ft_allocate(max(byteCount, 1)) else {
      throw ModelError(
        .outOfMemory, path: purpose, problem: "\(byteCount) bytes of memory could not be had")
    }
    self.pointer = pointer
    self.byteCount = byteCount
  }

  deinit { ft_free(pointer, max(byteCount, 1)) }
}

extension AlignedBuffer {
  convenience init(floats: Int, purpose: String) throws(ModelError) {
    try self.init(byteCount: floats * MemoryLayout<Float>.stride, purpose: purpose)
  }

  var floats: UnsafeMutablePointer<Float> { pointer.assumingMemoryBound(to: Float.self) }
}
