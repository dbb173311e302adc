package import Learning

/// Named arrays of f32 and some text in one weight file: what small trained networks and the samples
/// that they are trained on are kept in.
package struct TensorArchive: Sendable {
  package var tensors: [String: NamedTensor]
  package var metadata: [String: String]

  package init(tensors: [String: NamedTensor] = [:], metadata: [String: String] = [:]) {
    self.tensors = tensors
    self.metadata = metadata
  }

  /// Reads a file, plain or packed.
  ///
  /// - Throws: what `WeightFile` throws; `unsupported` for a tensor that is not F32.
  package init(contentsOf path: String, threads: Int = 1) throws(ModelError) {
    let file = try WeightFile(path: path)
    metadata = file.metadata
    tensors = [:]
    for info in file.tensors {
      guard info.dtype == .f32 else {
        throw ModelError(
          .unsupported, path: path, place: "tensor \(info.name)",
          problem: "elements of type \(info.dtype.rawValue)", advice: "expected F32")
      }
      var values = [Float](repeating: 0, count: info.elementCount)
      try file.read(info.name) { rows throws(ModelError) in
        values.withUnsafeMutableBytes { target in
          guard let base = target.baseAddress else { return }
          rows.copyElements(to: base + rows.rows.lowerBound * info.columns * info.dtype.size)
        }
      }
      tensors[info.name] = NamedTensor(shape: info.shape, values: values)
    }
  }

  /// Writes a packed file, beside and renamed.
  package func write(to path: String, threads: Int = 1) throws(ModelError) {
    var sources: [TensorSource] = []
    for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
      guard let info = TensorInfo(name: name, dtype: .f32, shape: tensor.shape) else {
        throw ModelError(
          .mismatch, path: path, place: "tensor \(name)",
          problem: "the shape \(tensor.shape) is too large")
      }
      let bytes = tensor.values.withUnsafeBytes { Array($0) }
      sources.append(try TensorSource(info, bytes: bytes))
    }
    try WeightFileWriter(sources, metadata: metadata).writePacked(to: path, threads: threads)
  }

  /// The tensors whose names begin with `prefix`, without it.
  func part(_ prefix: String) -> [String: NamedTensor] {
    var part: [String: NamedTensor] = [:]
    for (name, tensor) in tensors where name.hasPrefix(prefix) {
      part[String(name.dropFirst(prefix.count))] = tensor
    }
    return part
  }
}
