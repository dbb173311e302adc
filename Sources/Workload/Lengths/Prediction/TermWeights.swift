import Learning

/// A linear map from a prompt's sparse vector to a few outputs, as predictions need it: a term's weights
/// side by side, in the upper halves of floats and filled up to whole vectors, so that a term costs one
/// or two cache lines.
///
/// The few columns that every prompt has (its counts, the background's guesses) are kept in full: they
/// depend on each other, so that large weights cancel.
struct TermWeights: Equatable, Sendable {
  private typealias Lanes = SIMD8<Float>

  let columns: Int
  let outputs: Int
  var means: [Float]
  /// The columns that are kept in full.
  let denseColumns: Range<Int>
  /// `(denseColumns, outputs)`.
  private var dense: [Float]
  /// Upper halves of floats, `(columns, stride)`.
  private var halves: [UInt16]
  private let stride: Int

  /// - Parameters:
  ///   - weights: `(columns, outputs)`.
  ///   - significantBits: to so many weights of terms are rounded, at most 8. With four, a weight is
  ///     off by three percent and a sum over some hundred by less than one.
  init(
    means: [Float], weights: [Float], denseColumns: Range<Int> = 0..<0, significantBits: Int = 8
  ) {
    outputs = means.count
    columns = outputs > 0 ? weights.count / outputs : 0
    stride = (outputs + Lanes.scalarCount - 1) / Lanes.scalarCount * Lanes.scalarCount
    self.means = means
    self.denseColumns = denseColumns.clamped(to: 0..<columns)
    let places = self.denseColumns.lowerBound * outputs..<self.denseColumns.upperBound * outputs
    dense = Array(weights[places])
    halves = Array(repeating: 0, count: columns * stride)
    for column in 0..<columns where !self.denseColumns.contains(column) {
      for output in 0..<outputs {
        let weight = weights[column * outputs + output].rounded(significantBits: significantBits)
        halves[column * stride + output] = UInt16(weight.bitPattern >> 16)
      }
    }
  }

  init(_ fit: SparseRidge.Fit, denseColumns: Range<Int> = 0..<0, significantBits: Int = 8) {
    self.init(
      means: fit.means, weights: fit.weights, denseColumns: denseColumns,
      significantBits: significantBits)
  }

  /// `(columns, outputs)`.
  var weights: [Float] {
    var weights: [Float] = []
    weights.reserveCapacity(columns * outputs)
    for column in 0..<columns {
      for output in 0..<outputs {
        weights.append(
          denseColumns.contains(column)
            ? dense[(column - denseColumns.lowerBound) * outputs + output]
            : Float(bitPattern: UInt32(halves[column * stride + output]) << 16))
      }
    }
    return weights
  }

  var byteCount: Int {
    halves.count * MemoryLayout<UInt16>.stride + dense.count * MemoryLayout<Float>.stride
  }

  /// The outputs for one row.
  ///
  /// - Parameter parts: of the row, with indices below `columns`, each inside or outside of
  ///   `denseColumns` as a whole.
  func predict(_ parts: SparseVector...) -> [Float] {
    var result = means
    func isDense(_ part: SparseVector) -> Bool {
      part.indices.first.map { denseColumns.contains(Int($0)) } ?? false
    }
    for part in parts where isDense(part) {
      for (column, value) in zip(part.indices, part.values) {
        let start = (Int(column) - denseColumns.lowerBound) * outputs
        for output in 0..<outputs { result[output] += value * dense[start + output] }
      }
    }
    var first = 0
    while first < outputs {
      // Sixteen at a time share the reading of the row.
      let isWide = first + Lanes.scalarCount < stride
      var (low, high) = (Lanes(), Lanes())
      for row in parts where !isDense(row) {
        isWide
          ? add(row, first, to: &low, and: &high) : add(row, first, to: &low)
      }
      for output in first..<min(first + Lanes.scalarCount, outputs) {
        result[output] += low[output - first]
      }
      first += Lanes.scalarCount
      guard isWide else { continue }
      for output in first..<min(first + Lanes.scalarCount, outputs) {
        result[output] += high[output - first]
      }
      first += Lanes.scalarCount
    }
    return result
  }

  private func add(_ row: SparseVector, _ first: Int, to sums: inout Lanes) {
    forEachTerm(of: row) { weights, value in sums += value * weights.lanes(first) }
  }

  private func add(
    _ row: SparseVector, _ first: Int, to low: inout Lanes, and high: inout Lanes
  ) {
    forEachTerm(of: row) { weights, value in
      low += value * weights.lanes(first)
      high += value * weights.lanes(first &+ Lanes.scalarCount)
    }
  }

  /// A column's weights.
  private struct Column {
    let base: UnsafePointer<UInt16>

    @inline(__always)
    func lanes(_ first: Int) -> Lanes {
      let halves = UnsafeRawPointer(base + first).loadUnaligned(as: SIMD8<UInt16>.self)
      return unsafeBitCast(SIMD8<UInt32>(truncatingIfNeeded: halves) &<< 16, to: Lanes.self)
    }
  }

  @inline(__always)
  private func forEachTerm(of row: SparseVector, _ body: (Column, Float) -> Void) {
    halves.withUnsafeBufferPointer { halves in
      row.indices.withUnsafeBufferPointer { indices in
        row.values.withUnsafeBufferPointer { values in
          guard let base = halves.baseAddress else { return }
          for place in indices.indices {
            body(Column(base: base + Int(indices[place]) &* stride), values[place])
          }
        }
      }
    }
  }
}

extension TermWeights {
  func put(_ name: String, into tensors: inout [String: NamedTensor]) {
    let weights = weights
    tensors["\(name).means"] = NamedTensor(shape: [means.count], values: means)
    tensors["\(name).weights"] = NamedTensor(shape: [weights.count], values: weights)
  }

  /// The first files have weights of terms in full; those stay what they are.
  ///
  /// - Throws: `parameters` when an array is missing or does not fit.
  init(
    _ name: String, in tensors: [String: NamedTensor], columns: Int, outputs: Int,
    denseColumns: Range<Int> = 0..<0
  ) throws(LearningError) {
    let weights = try tensors.vector("\(name).weights", columns * outputs)
    let isRounded = (0..<columns).allSatisfy { column in
      denseColumns.contains(column)
        || weights[column * outputs..<(column + 1) * outputs].allSatisfy {
          $0 == $0.rounded(significantBits: 8)
        }
    }
    self.init(
      means: try tensors.vector("\(name).means", outputs), weights: weights,
      denseColumns: isRounded ? denseColumns : 0..<columns)
  }
}

extension Float {
  /// To the nearest number with so many significant bits, 1 to 23; ties to even.
  func rounded(significantBits: Int) -> Float {
    let cut = UInt32(24 - significantBits)
    let half = (UInt32(1) << (cut - 1)) - 1 + ((bitPattern >> cut) & 1)
    return Float(bitPattern: ((bitPattern &+ half) >> cut) << cut)
  }
}
