internal import CKernels

/// A tensor that is to be written, and where its elements come from.
package struct TensorSource: Sendable {
  package let tensor: TensorInfo
  /// The rows that are read, and become frames, together. Cuts are at multiples of 16 rows.
  let cuts: [Range<Int>]
  /// Fills the memory with the row-major little-endian elements of a cut.
  private let fill: @Sendable (_ cut: Int, UnsafeMutableRawBufferPointer) throws(ModelError) -> Void

  /// A tensor whose rows `rows` gives: it is called for ranges of rows, on any thread, several at
  /// once, and must fill the memory with their row-major little-endian elements.
  package init(
    _ tensor: TensorInfo,
    rows: @escaping @Sendable (Range<Int>, UnsafeMutableRawBufferPointer) throws(ModelError) -> Void
  ) {
    let cuts = ChunkRule.cut(tensor)
    self.tensor = tensor
    self.cuts = cuts
    fill = { (cut, target) throws(ModelError) in try rows(cuts[cut], target) }
  }

  /// A tensor in memory: `bytes` are its row-major little-endian elements.
  ///
  /// - Throws: `mismatch` when they are too many or too few.
  package init(_ tensor: TensorInfo, bytes: [UInt8]) throws(ModelError) {
    guard bytes.count == tensor.byteCount else {
      throw ModelError(
        .mismatch, path: "memory", place: "tensor \(tensor.name)",
        problem: "\(bytes.count) bytes where \(tensor.byteCount) are expected")
    }
    let rowBytes = tensor.columns * tensor.dtype.size
    self.init(tensor) { (rows, target) throws(ModelError) in
      bytes.withUnsafeBytes { source in
        let part = source[rows.lowerBound * rowBytes..<rows.upperBound * rowBytes]
        target.copyMemory(from: UnsafeRawBufferPointer(rebasing: part))
      }
    }
  }

  /// Tensor `index` of a file, cut as the file cuts it; if its elements are F32, BF16 or F16 and
  /// `dtype` is another of these, they are converted, rounding to nearest even.
  ///
  /// Reading it throws what reading the file throws, and `unsupported` for a value that is too
  /// large for `dtype`.
  init(_ file: WeightFile, at index: Int, as dtype: TensorDType? = nil) {
    let stored = file.stored[index]
    let info = stored.info
    cuts = stored.chunks.map(\.rows)
    guard let dtype, dtype != info.dtype, let target = dtype.kernelType,
      let source = info.dtype.kernelType,
      let converted = TensorInfo(name: info.name, dtype: dtype, shape: info.shape)
    else {
      tensor = info
      fill = { (cut, target) throws(ModelError) in
        try file.decode(stored, chunk: cut) { rows in
          if let base = target.baseAddress { rows.copyElements(to: base) }
        }
      }
      return
    }
    tensor = converted
    fill = { (cut, memory) throws(ModelError) in
      try file.decode(stored, chunk: cut) { (rows) throws(ModelError) in
        let place = rows.withElements { elements in
          ft_convert(
            target, source, elements.baseAddress, rows.elementCount, memory.baseAddress)
        }
        guard place == rows.elementCount else {
          let element = rows.rows.lowerBound * info.columns + place
          throw ModelError(
            .unsupported, path: file.path, place: "tensor \(info.name), element \(element)",
            problem: "is too large for \(dtype.rawValue)", advice: "BF16 has the range of F32")
        }
      }
    }
  }

  /// The elements of a cut, in `buffer`.
  func elements(
    _ cut: Int, in buffer: inout ByteBuffer
  ) throws(ModelError) -> UnsafeMutableRawBufferPointer {
    let count = cuts[cut].count * tensor.columns * tensor.dtype.size
    let memory = try buffer.room(for: count, path: "memory", place: "tensor \(tensor.name)")
    try fill(cut, memory)
    return memory
  }
}
