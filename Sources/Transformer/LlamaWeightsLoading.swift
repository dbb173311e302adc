internal import CKernels

extension LlamaWeights {
  /// Reads every weight of the files, decoding and packing on `threads` threads.
  ///
  /// `type` nil keeps the type of the embedding; quantised blocks become q8.
  ///
  /// - Throws: `malformed` naming a tensor that is missing, has another shape than the
  ///   configuration says or is damaged; `unsupported` for an element type that is no float.
  package init(
    _ checkpoint: Checkpoint, configuration: LlamaConfiguration, type: WeightType? = nil,
    threads: Int,
    progress: (@Sendable (_ done: Int, _ total: Int) -> Void)? = nil
  ) throws(ModelError) {
    // Before memory is asked for: a configuration cannot claim more than the file holds.
    let elements = checkpoint.elementCount
    guard elements >= configuration.parameterCount else {
      throw ModelError(
        .malformed, path: checkpoint.path,
        problem: "holds \(elements) weights, config.json describes \(configuration.parameterCount)",
        advice: "config.json describes another model")
    }
    let stored = checkpoint.weightType(of: "model.embed_tokens.weight")
    try self.init(configuration, type: type ?? stored ?? .f32)
    var slots: [String: [WeightSlot]] = [:]
    for slot in self.slots {
      try slot.check(in: checkpoint)
      slots[slot.name, default: []].append(slot)
    }
    try checkpoint.load(slots.values.map(WeightSlot.request), threads: threads, progress: progress)
  }
}

extension WeightSlot {
  /// The checkpoint must hold the tensor, in this shape, as floats.
  fileprivate func check(in checkpoint: Checkpoint) throws(ModelError) {
    func fail(_ code: ModelError.Code, _ problem: String, _ advice: String) -> ModelError {
      ModelError(
        code, path: checkpoint.path(of: name), place: "tensor \(name)", problem: problem,
        advice: advice)
    }
    guard let tensor = checkpoint.tensor(name) else {
      throw fail(.malformed, "is missing", "config.json describes another model")
    }
    guard tensor.shape == shape else {
      throw fail(
        .malformed, "expected the shape \(shape), found \(tensor.shape)",
        "config.json describes another model")
    }
    guard tensor.dtype.weightType != nil else {
      throw fail(
        .unsupported, "elements of type \(tensor.dtype.rawValue)", "F32, BF16 and F16 are read")
    }
    guard firstRow % ChunkRule.rows == 0 else {
      throw fail(
        .unsupported, "a projection that begins at row \(firstRow), in the middle of a panel",
        "fused projections are read where their parts are multiples of \(ChunkRule.rows) rows")
    }
  }

  /// Asks for the rows of a tensor and puts them where its slots say.
  fileprivate static func request(_ slots: [WeightSlot]) -> TensorRequest {
    TensorRequest(slots.first?.name ?? "") { rows throws(ModelError) in
      for slot in slots {
        let wanted = rows.rows.clamped(to: slot.firstRow..<slot.firstRow + slot.rowCount)
        guard !wanted.isEmpty else { continue }
        let part = rows.part(wanted)
        let row = wanted.lowerBound - slot.firstRow
        switch slot.destination {
        case .matrix(let view): part.pack(into: view, at: row)
        case .vector(let values, _, let addend):
          part.copyFloats(to: values + row)
          if addend != 0 { for index in row..<row + wanted.count { values[index] += addend } }
        }
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
