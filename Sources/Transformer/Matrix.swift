package import CKernels

/// How the weights of a matrix are held in memory.
package enum WeightType: String, CaseIterable, Sendable {
  case f32, bf16, f16
  /// int8 with one f32 scale per row and 64 columns (1.0625 bytes a weight); products with it round
  /// the activations to int8, too.
  case q8
  /// Four bits with one bf16 scale per row and 32 columns (0.5625 bytes a weight); products as with
  /// q8. The embedding and the output matrix are q8 then.
  case q4

  package var kernelType: ft_dtype {
    switch self {
    case .f32: FT_F32
    case .bf16: FT_BF16
    case .f16: FT_F16
    case .q8: FT_Q8
    case .q4: FT_Q4
    }
  }

  /// How the embedding and the output matrix are held: coarser ones cost more than they save.
  var ofVocabulary: WeightType { self == .q4 ? .q8 : self }
}

extension TensorDType {
  /// The type in memory of a float type that can be packed.
  var weightType: WeightType? {
    switch self {
    case .f32: .f32
    case .bf16: .bf16
    case .f16: .f16
    default: nil
    }
  }

  /// The kernels' name for it.
  var kernelType: ft_dtype? { weightType?.kernelType }
}

/// One or more weight matrices of the same width, stacked, in the panels that the kernels read.
///
/// Stacking (q, k and v; gate and up) makes one product, and one join of the workers, out of
/// several. Each part begins on a panel, so its first output row is `offsets[part]`, and the rows
/// between two parts are zero.
package final class Matrix: Sendable {
  /// Rows with the padding between parts.
  package let rows: Int
  package let columns: Int
  package let type: WeightType
  /// The first row of each part.
  package let offsets: [Int]
  private let partRows: [Int]
  private let panels: AlignedBuffer
  private let scales: AlignedBuffer?

  static let panelRows = Int(FT_PANEL)

  /// - Throws: `outOfMemory`.
  package init(parts: [Int], columns: Int, type: WeightType) throws(ModelError) {
    var offsets: [Int] = []
    var rows = 0
    for part in parts {
      rows = (rows + Self.panelRows - 1) / Self.panelRows * Self.panelRows
      offsets.append(rows)
      rows += part
    }
    self.rows = rows
    self.columns = columns
    self.type = type
    self.offsets = offsets
    partRows = parts
    panels = try AlignedBuffer(
      byteCount: ft_panel_bytes(type.kernelType, Int32(rows), Int32(columns)), purpose: "weights")
    let scaleBytes = ft_scale_bytes(type.kernelType, Int32(rows), Int32(columns))
    scales = scaleBytes > 0 ? try AlignedBuffer(byteCount: scaleBytes, purpose: "scales") : nil
  }

  /// Bytes that one pass over the weights reads.
  package var byteCount: Int { panels.byteCount + (scales?.byteCount ?? 0) }

  /// What the kernels take.
  package var view: ft_matrix { window(offset: 0, rows: rows) }

  /// One part as a matrix of its own: where a tensor of the file is packed.
  package func part(_ index: Int) -> ft_matrix {
    window(offset: offsets[index], rows: partRows[index])
  }

  private func window(offset: Int, rows: Int) -> ft_matrix {
    let panelBytes = ft_panel_bytes(type.kernelType, Int32(offset), Int32(columns))
    let scaleBytes = ft_scale_bytes(type.kernelType, Int32(offset), Int32(columns))
    return ft_matrix(
      dtype: type.kernelType, rows: Int32(rows), cols: Int32(columns),
      panels: UnsafeRawPointer(panels.pointer + panelBytes),
      scales: scales.map {
        UnsafePointer(($0.pointer + scaleBytes).assumingMemoryBound(to: Float.self))
      })
  }
}

extension WorkerTeam {
  /// `y[i] = matrix * x[i]` for `count` rows: `x` is `(count, columns)`, `y` is `(count, rows)`.
  ///
  /// - Parameter next: the matrix of the product after this one, whose first weights are fetched
  ///   while the last of this one are multiplied, where floats meet some dozens of rows at most.
  func multiply(
    _ matrix: Matrix, before next: Matrix? = nil, _ x: UnsafePointer<Float>, count: Int,
    into y: UnsafeMutablePointer<Float>, stride: Int? = nil
  ) {
    var view = matrix.view
    var nextView = (next ?? matrix).view
    withUnsafePointer(to: &nextView) { following in
      ft_matmul(
        handle, &view, next == nil ? nil : following, x, matrix.columns, Int32(count), y,
        stride ?? matrix.rows)
    }
  }
}
