internal import CKernels

/// What the values of a matrix lose when it is held in memory as another type.
package struct QuantizationError: Sendable {
  /// Root of the mean squared error over the root of the mean square: `|w' - w| / |w|`.
  package let relative: Double
  /// The largest absolute error of a value.
  package let largest: Double
}

extension WeightFile {
  /// The error of tensor `index` of `tensors` when it is packed as `type`, against the values that
  /// are stored.
  ///
  /// `nil` for what is never packed: vectors, which models keep in f32, and elements that are not
  /// F32, BF16 or F16.
  package func quantizationError(
    at index: Int, as type: WeightType
  ) throws(ModelError) -> QuantizationError? {
    let tensor = tensors[index]
    guard tensor.shape.count > 1, tensor.elementCount > 0, tensor.columns <= Int32.max,
      tensor.dtype.kernelType != nil
    else { return nil }
    var sum = ErrorSum()
    try read(tensor.name) { (rows) throws(ModelError) in
      let matrix = try Matrix(parts: [rows.rows.count], columns: tensor.columns, type: type)
      let view = matrix.view
      rows.pack(into: view, at: 0)
      withUnsafeTemporaryAllocation(of: Float.self, capacity: rows.elementCount) { exact in
        guard let values = exact.baseAddress else { return }
        rows.copyFloats(to: values)
        sum.add(view, exact: values)
      }
    }
    return sum.error
  }
}

/// Squares, summed over rows.
private struct ErrorSum {
  private var errors = 0.0
  private var values = 0.0
  private var largest: Float = 0

  mutating func add(_ matrix: ft_matrix, exact: UnsafePointer<Float>) {
    var matrix = matrix
    let columns = Int(matrix.cols)
    withUnsafeTemporaryAllocation(of: Float.self, capacity: columns) { row in
      guard let held = row.baseAddress else { return }
      for index in 0..<Int(matrix.rows) {
        ft_matrix_row(&matrix, Int32(index), held)
        for column in 0..<columns {
          let value = exact[index &* columns &+ column]
          let error = held[column] - value
          errors += Double(error) * Double(error)
          values += Double(value) * Double(value)
          largest = max(largest, abs(error))
        }
      }
    }
  }

  var error: QuantizationError {
    QuantizationError(
      relative: errors == 0 ? 0 : (errors / values).squareRoot(), largest: Double(largest))
  }
}
