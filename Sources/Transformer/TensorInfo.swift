/// The element types of the safetensors format that have whole bytes.
package enum TensorDType: String, Sendable, CaseIterable {
  case c64 = "C64"
  case f64 = "F64"
  case f32 = "F32"
  case f16 = "F16"
  case bf16 = "BF16"
  case f8e5m2 = "F8_E5M2"
  case f8e4m3 = "F8_E4M3"
  case f8e5m2fnuz = "F8_E5M2FNUZ"
  case f8e4m3fnuz = "F8_E4M3FNUZ"
  case f8e8m0 = "F8_E8M0"
  case i64 = "I64"
  case i32 = "I32"
  case i16 = "I16"
  case i8 = "I8"
  case u64 = "U64"
  case u32 = "U32"
  case u16 = "U16"
  case u8 = "U8"
  case bool = "BOOL"

  /// Bytes of one element.
  package var size: Int {
    switch self {
    case .c64, .f64, .i64, .u64: 8
    case .f32, .i32, .u32: 4
    case .f16, .bf16, .i16, .u16: 2
    case .f8e5m2, .f8e4m3, .f8e5m2fnuz, .f8e4m3fnuz, .f8e8m0, .i8, .u8, .bool: 1
    }
  }
}

/// What a tensor is, however its bytes are stored.
///
/// A tensor is read as a matrix: `rows` is the first dimension and `columns` the product of the
/// others (a vector has one column, a scalar is one by one).
package struct TensorInfo: Sendable, Equatable {
  package let name: String
  package let dtype: TensorDType
  package let shape: [Int]
  package let elementCount: Int

  package var rows: Int { shape.first ?? 1 }
  package var columns: Int { rows == 0 ? 0 : elementCount / rows }
  package var byteCount: Int { elementCount * dtype.size }

  /// `nil` if the element or byte count does not fit an `Int`.
  package init?(name: String, dtype: TensorDType, shape: [Int]) {
    var count = 1
    for dimension in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
      guard dimension >= 0, !overflow else { return nil }
      count = product
    }
    guard !count.multipliedReportingOverflow(by: dtype.size).overflow else { return nil }
    self.name = name
    self.dtype = dtype
    self.shape = shape
    self.elementCount = count
  }
}
