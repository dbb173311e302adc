internal import CKernels

extension LlamaWeights {
  /// Reads every weight of `file`, decoding and packing on `threads` threads.
  ///
  /// `type` nil keeps the type of the file's embedding.
  ///
  /// - Throws: `malformed` naming a tensor that is missing, has another shape than the
  ///   configuration says or is damaged; `unsupported` for an element type that is no float.
  package init(
    _ file: WeightFile, configuration: LlamaConfiguration, type: WeightType? = nil, threads: Int,
    progress: (@Sendable (_ done: Int, _ total: Int) -> Void)? = nil
  ) throws(ModelError) {
    // Before memory is asked for: a configuration cannot claim more than the file holds.
    let elements = file.tensors.reduce(0) { $0 + $1.elementCount }
    guard elements >= configuration.parameterCount else {
      throw ModelError(
        .malformed, path: file.path,
        problem: "holds \(elements) weights, config.json describes \(configuration.parameterCount)",
        advice: "config.json describes another model")
    }
    let stored = file.tensor("model.embed_tokens.weight")?.dtype.weightType
    try self.init(configuration, type: type ?? stored ?? .f32)
    let slots = slots
    for slot in slots { try slot.check(in: file) }
    try file.load(slots.map(\.request), threads: threads, progress: progress)
  }
}

extension WeightSlot {
  /// The file must hold the tensor, in this shape, as floats.
  fileprivate func check(in file: WeightFile) throws(ModelError) {
    let place = "tensor \(name)"
    guard let tensor = file.tensor(name) else {
      throw ModelError(
        .malformed, path: file.path, place: place, problem: "is missing",
        advice: "config.json describes another model")
    }
    guard tensor.shape == shape else {
      throw ModelError(
        .malformed, path: file.path, place: place,
        problem: "expected the shape \(shape), found \(tensor.shape)",
        advice: "config.json describes another model")
    }
    guard tensor.dtype.weightType != nil else {
      throw ModelError(
        .unsupported, path: file.path, place: place,
        problem: "elements of type \(tensor.dtype.rawValue)", advice: "F32, BF16 and F16 are read")
    }
  }

  /// Asks for the tensor's rows and puts them where they belong.
  fileprivate var request: TensorRequest {
    let destination = destination
    nonisolated(unsafe) let target = destination  // disjoint rows, see WeightSlot
    return TensorRequest(name) { rows throws(ModelError) in
      switch target {
      case .matrix(let view): rows.pack(into: view, at: rows.rows.lowerBound)
      case .vector(let values): rows.copyFloats(to: values + rows.rows.lowerBound)
      }
    }
  }
}

extension TensorRows {
  /// Packs the rows into a matrix, from its row `row` on, which begins a panel.
  func pack(into matrix: ft_matrix, at row: Int) {
    guard let sourceType = tensor.dtype.kernelType else { return }
    let (type, columns, first) = (matrix.dtype, matrix.cols, Int32(row))
    let panels =
      UnsafeMutableRawPointer(mutating: matrix.panels) + ft_panel_bytes(type, first, columns)
    let scaleOffset = ft_scale_bytes(type, first, columns) / MemoryLayout<Float>.stride
    let scales = UnsafeMutablePointer(mutating: matrix.scales).map { $0 + scaleOffset }
    let count = Int32(rows.count)
    let panelCount = (count + Int32(FT_PANEL) - 1) / Int32(FT_PANEL)
    switch storage {
    case .plain(let bytes):
      ft_pack_panels(
        type, sourceType, bytes.baseAddress, count, columns, 0, panelCount, panels, scales)
    case .planes(let high, let low):
      ft_pack_panels_from_planes(
        type, sourceType, high, low, count, columns, 0, panelCount, panels, scales)
    }
  }

  /// Writes the elements as f32.
  func copyFloats(to target: UnsafeMutablePointer<Float>) {
    guard let type = tensor.dtype.kernelType else { return }
    withElements { _ = ft_convert(FT_F32, type, $0.baseAddress, elementCount, target) }
  }
}
