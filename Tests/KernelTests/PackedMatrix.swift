import CKernels
import Testing

/// A packed matrix with its memory, as tests need it.
final class PackedMatrix {
  private(set) var view: ft_matrix
  private let panelBytes: Int
  private let scaleBytes: Int

  static let types: [ft_dtype] = [FT_F32, FT_BF16, FT_F16, FT_Q8, FT_Q4]

  var rows: Int { Int(view.rows) }
  var columns: Int { Int(view.cols) }

  init(_ type: ft_dtype, rows: Int, columns: Int) {
    panelBytes = ft_panel_bytes(type, Int32(rows), Int32(columns))
    scaleBytes = ft_scale_bytes(type, Int32(rows), Int32(columns))
    view = ft_matrix(
      dtype: type, rows: Int32(rows), cols: Int32(columns),
      panels: ft_allocate(panelBytes),
      scales: scaleBytes > 0
        ? UnsafePointer(ft_allocate(scaleBytes)?.assumingMemoryBound(to: Float.self)) : nil)
  }

  /// Packs `(rows, columns)` values.
  convenience init(_ type: ft_dtype, rows: Int, columns: Int, _ values: [Float]) {
    self.init(type, rows: rows, columns: columns)
    ft_pack_panels(
      type, FT_F32, values, view.rows, view.cols, 0, panelCount, panels, scales)
  }

  deinit {
    ft_free(panels, panelBytes)
    ft_free(scales, scaleBytes)
  }

  var panelCount: Int32 { (view.rows + FT_PANEL - 1) / FT_PANEL }
  var panels: UnsafeMutableRawPointer? { UnsafeMutableRawPointer(mutating: view.panels) }
  var scales: UnsafeMutablePointer<Float>? { UnsafeMutablePointer(mutating: view.scales) }

  /// Every byte of the panels and the scales.
  var bytes: [UInt8] {
    let scaleBytes = UnsafeRawBufferPointer(start: view.scales, count: scaleBytes)
    return Array(UnsafeRawBufferPointer(start: view.panels, count: panelBytes)) + scaleBytes
  }

  /// A row as the kernels see it.
  func row(_ index: Int) -> [Float] {
    var values = [Float](repeating: 0, count: columns)
    ft_matrix_row(&view, Int32(index), &values)
    return values
  }

  /// `(count, rows)`: the product with `count` rows of `x`, which lie `stride` floats apart.
  func multiply(_ x: [Float], count: Int, stride: Int? = nil, team: Team? = nil) -> [Float] {
    // What lies between two rows of the output must stay as it is.
    let outputStride = rows + 3
    var y = [Float](repeating: -7, count: count * outputStride)
    var next = view
    ft_matmul(team?.handle, &view, &next, x, stride ?? columns, Int32(count), &y, outputStride)
    return (0..<count).flatMap { i in
      let row = y[i * outputStride..<(i + 1) * outputStride]
      precondition(row.suffix(3).allSatisfy { $0 == -7 }, "the product wrote past its rows")
      return row.prefix(rows)
    }
  }
}

extension ft_dtype {
  var name: String {
    switch self {
    case FT_F32: "f32"
    case FT_BF16: "bf16"
    case FT_F16: "f16"
    case FT_Q8: "q8"
    default: "q4"
    }
  }
}

/// A team of workers for a test.
final class Team {
  let handle: OpaquePointer

  init(_ threads: Int32) throws { handle = try #require(ft_team_create(threads)) }

  deinit { ft_team_destroy(handle) }
}
