import CKernels
import Support
import Testing

extension KernelTests {
  @Suite struct PackingTests {
    static let shapes: [(rows: Int, columns: Int)] = [
      (1, 1), (16, 16), (17, 15), (40, 100), (31, 129), (64, 64), (35, 128),
    ]

    /// Every kind of number: both zeros, denormals, the largest, infinities, NaN.
    static func halves(_ count: Int, seed: UInt64) -> [UInt16] {
      var generator = SeededGenerator(seed: seed)
      let special: [UInt16] = [
        0, 0x8000, 1, 0x8001, 0x03FF, 0x0400, 0x7BFF, 0x7C00, 0xFC00, 0x7E00, 0x7F80, 0x7F7F,
      ]
      return (0..<count).map { index in
        index % 5 == 0
          ? special[index / 5 % special.count] : UInt16.random(in: .min ... .max, using: &generator)
      }
    }

    static func value(_ bits: UInt16, _ type: ft_dtype) -> Float {
      type == FT_BF16
        ? Float(bitPattern: UInt32(bits) << 16) : Float(Float16(bitPattern: bits))
    }

    /// Equal bits, or both NaN: the payload of a NaN is nobody's promise.
    static func isSame(_ a: Float, _ b: Float) -> Bool {
      a.bitPattern == b.bitPattern || a.isNaN && b.isNaN
    }

    @Test("16-bit weights keep their bits", arguments: shapes)
    func bits(rows: Int, columns: Int) {
      for type in [FT_BF16, FT_F16] {
        let source = Self.halves(rows * columns, seed: 1)
        for level in KernelTests.levels {
          let matrix = KernelTests.with(level) {
            let matrix = PackedMatrix(type, rows: rows, columns: columns)
            ft_pack_panels(
              type, type, source, matrix.view.rows, matrix.view.cols, 0, matrix.panelCount,
              matrix.panels, nil)
            return matrix
          }
          let packed = (0..<rows).flatMap(matrix.row)
          let expected = source.map { Self.value($0, type) }
          #expect(zip(packed, expected).allSatisfy(Self.isSame), "\(type.name), \(level)")
        }
      }
    }

    @Test("Planes, parts and every kernel pack the same bytes", arguments: shapes)
    func planes(rows: Int, columns: Int) {
      for sourceType in [FT_BF16, FT_F16] {
        let source = Self.halves(rows * columns, seed: 2)
        let rotated = source.map { $0 << 1 | $0 >> 15 }
        let (high, low) = (rotated.map { UInt8($0 >> 8) }, rotated.map { UInt8($0 & 0xFF) })
        for type in PackedMatrix.types {
          let expected = KernelTests.with("scalar") {
            let matrix = PackedMatrix(type, rows: rows, columns: columns)
            ft_pack_panels(
              type, sourceType, source, matrix.view.rows, matrix.view.cols, 0, matrix.panelCount,
              matrix.panels, matrix.scales)
            return matrix.bytes
          }
          for level in KernelTests.levels {
            let matrix = PackedMatrix(type, rows: rows, columns: columns)
            KernelTests.with(level) {
              for panel in (0..<matrix.panelCount).reversed() {
                ft_pack_panels_from_planes(
                  type, sourceType, high, low, matrix.view.rows, matrix.view.cols, panel,
                  panel + 1, matrix.panels, matrix.scales)
              }
            }
            let what = "\(sourceType.name) to \(type.name), \(level)"
            #expect(Self.isSame(matrix.bytes, expected, type), "\(what)")
          }
        }
      }
    }

    static func isSame(_ a: [UInt8], _ b: [UInt8], _ type: ft_dtype) -> Bool {
      if a == b { return true }
      guard type == FT_F32, a.count == b.count else { return false }
      // Converted NaN may differ in their payloads.
      return a.withUnsafeBytes { a in
        b.withUnsafeBytes { b in
          zip(a.bindMemory(to: Float.self), b.bindMemory(to: Float.self)).allSatisfy(isSame)
        }
      }
    }

    @Test func `Conversions round to nearest even`() {
      // Ties, values that carry into the exponent, overflow and denormals of both formats.
      let values: [Float] = [
        0, -0.0, 1, 1 + 0x1p-11, 1 + 0x3p-11, 1 + 0x1p-8, 1 + 0x3p-8, 65504, 65519.996, 65520,
        0x1p-14, 0x1p-24, 0x1p-25, 0x1.8p-25, 0x1.002p-15, 3.3895314e38, 0x1p-133, .infinity,
        -1.9990234, 1e-3, 7.3e-6,
      ]
      for type in [FT_BF16, FT_F16] {
        let matrix = PackedMatrix(type, rows: 1, columns: values.count, values)
        for (value, packed) in zip(values, matrix.row(0)) {
          let expected =
            type == FT_F16 ? Float(Float16(value)) : Self.nearestBFloat(value)
          #expect(packed.bitPattern == expected.bitPattern, "\(type.name) of \(value)")
        }
      }
    }

    /// The nearer of the two neighbours in bf16, the even one on a tie.
    static func nearestBFloat(_ value: Float) -> Float {
      let below = Float(bitPattern: value.bitPattern & 0xFFFF_0000)
      guard below != value, value.isFinite else { return value }
      let above = Float(bitPattern: (value.bitPattern & 0xFFFF_0000) &+ 0x1_0000)
      let (down, up) = (
        abs(Double(value) - Double(below)),
        abs((above.isFinite ? Double(above) : 0x1p128) - Double(value))
      )
      let isEven = below.bitPattern & 0x1_0000 == 0
      return down < up || down == up && isEven ? below : above
    }

    @Test func `q8 is within half a step of the largest in its group, and exact at both ends`() {
      let (rows, columns) = (20, 150)
      let values = [Float].random(rows * columns, seed: 3)
      let matrix = PackedMatrix(FT_Q8, rows: rows, columns: columns, values)
      for row in 0..<rows {
        let packed = matrix.row(row)
        for start in stride(from: 0, to: columns, by: Int(FT_Q8_GROUP)) {
          let group = start..<min(start + Int(FT_Q8_GROUP), columns)
          let original = group.map { values[row * columns + $0] }
          let largest = original.map(abs).max() ?? 0
          for (a, b) in zip(original, packed[group]) {
            #expect(abs(a - b) <= largest / 127 * 0.5001)
            if abs(a) == largest { #expect(abs(a - b) <= largest * 0x1p-22) }
          }
        }
      }
    }

    @Test func `q8 of zeros is zero, and of what is not finite is not a number`() {
      var values = [Float](repeating: 0, count: 3 * 64)
      values[64] = .infinity
      values[128] = .nan
      let matrix = PackedMatrix(FT_Q8, rows: 3, columns: 64, values)
      #expect(matrix.row(0).allSatisfy { $0 == 0 })
      #expect(matrix.row(1).allSatisfy { $0.isNaN })
      #expect(matrix.row(2).allSatisfy { $0.isNaN })
    }

    @Test("q4 keeps what is in whole steps, whatever their size and sign", arguments: [1, -1])
    func wholeSteps(sign: Float) {
      let steps = (0..<3 * 80).map { Float($0 * 7 % 16 - 8) * sign }
      for scale: Float in [1, 0.0078125, 0x1p-110, 0x1p120] {
        let values = steps.map { $0 * scale }
        let matrix = PackedMatrix(FT_Q4, rows: 3, columns: 80, values)
        #expect((0..<3).flatMap(matrix.row) == values, "\(scale)")
      }
    }

    @Test func `q4 leaves less than steps of an eighth of the largest value leave`() {
      let (rows, columns) = (40, 150)
      let values = [Float].random(rows * columns, seed: 3)
      let matrix = PackedMatrix(FT_Q4, rows: rows, columns: columns, values)
      var (left, simple, all): (Double, Double, Double) = (0, 0, 0)
      for row in 0..<rows {
        let packed = matrix.row(row)
        for start in stride(from: 0, to: columns, by: Int(FT_Q4_GROUP)) {
          let group = start..<min(start + Int(FT_Q4_GROUP), columns)
          let original = group.map { values[row * columns + $0] }
          let step = -(original.max { abs($0) < abs($1) } ?? 0) / 8
          for (a, b) in zip(original, packed[group]) {
            let rounded = max(-8, min(7, (a / step).rounded(.toNearestOrEven))) * step
            left += Double((a - b) * (a - b))
            simple += Double((a - rounded) * (a - rounded))
            all += Double(a * a)
          }
        }
      }
      #expect(left < 0.97 * simple)
      #expect((left / all).squareRoot() < 0.085)
    }

    @Test func `q4 of zeros is zero, and of what is not finite is not a number`() {
      var values = [Float](repeating: 0, count: 3 * 64)
      values[64] = .infinity
      values[128 + 40] = .nan
      values[2] = 0x1p-130
      let matrix = PackedMatrix(FT_Q4, rows: 3, columns: 64, values)
      #expect(matrix.row(0).allSatisfy { $0 == 0 })
      // Only the group that has it.
      #expect(matrix.row(1).map(\.isNaN) == (0..<64).map { $0 < 32 })
      #expect(matrix.row(2).map(\.isNaN) == (0..<64).map { $0 >= 32 })
    }
  }
}
