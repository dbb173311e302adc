/// A tree while it is grown: its nodes, numbered from its root, and for each feature split the last
/// bin (among all) that goes left.
struct GrownTree {
  var nodes: [TreeNode]
  var splitBins: [Int32]

  /// Adds the tree's values to scores, `(table.count, outputs)`.
  func apply(to scores: inout [Float], _ table: BinnedTable, outputs: Int) {
    scores.withUnsafeMutableBufferPointer { scores in
      nodes.withUnsafeBufferPointer { nodes in
        for row in 0..<table.count {
          walkTree(nodes, from: 0, 0..<outputs) { node, index in
            table.bin(row: row, feature: Int(node.feature)) <= splitBins[index]
          } leaf: { range, value in
            for output in range { scores[row &* outputs &+ output] += value }
          }
        }
      }
    }
  }
}

/// Grows one tree after the other by the histogram method: for every node the derivatives are added
/// up by bin, once over the rows of the smaller child and by subtraction for the larger one.
final class TreeGrower {
  private let table: BinnedTable
  private let settings: BoostingSettings
  private let outputs: Int
  private var tree = GrownTree(nodes: [], splitBins: [])
  /// Memory of histograms that are done with.
  private var spares: [Histogram] = []

  // What one tree is grown for; set by `grow`.
  private var derivatives: [SIMD2<Float>] = []
  private var features: [Int32] = []
  private var step: ([Int32], SIMD2<Double>) -> Float = { _, _ in 0 }

  init(_ table: BinnedTable, outputs: Int, settings: BoostingSettings) {
    self.table = table
    self.outputs = outputs
    self.settings = settings
  }

  /// - Parameters:
  ///   - rows: The rows that this tree sees, rising.
  ///   - features: The features that it may ask for, rising.
  ///   - derivatives: Of `BoostingTarget`; given back unchanged.
  ///   - step: The value of a leaf with some rows and the sums of their derivatives.
  func grow(
    rows: [Int32], features: [Int32], derivatives: inout [SIMD2<Float>],
    step: @escaping ([Int32], SIMD2<Double>) -> Float
  ) -> GrownTree {
    // Swapped and not assigned: the array is large and must not be copied.
    swap(&self.derivatives, &derivatives)
    defer {
      swap(&self.derivatives, &derivatives)
      self.step = { _, _ in 0 }
    }
    self.features = features
    self.step = step
    tree = GrownTree(nodes: [], splitBins: [])
    appendNode()
    let part = makePart(rows, 0..<outputs)
    grow(0, part, depth: 0, canSplit(part, depth: 0) ? makeHistogram(part) : nil)
    return tree
  }

  /// Rows and outputs that are in one node, and the sums of their derivatives.
  private struct Part {
    var rows: [Int32]
    var outputs: Range<Int>
    var sums: SIMD2<Double>
  }

  private func grow(_ node: Int, _ part: Part, depth: Int, _ histogram: Histogram?) {
    guard let histogram, let split = bestSplit(part, histogram) else {
      if let histogram { spares.append(histogram) }
      tree.nodes[node].threshold = settings.learningRate * step(part.rows, part.sums)
      return
    }
    let children = divide(part, split)
    let left = tree.nodes.count
    appendNode()
    appendNode()
    tree.nodes[node] = TreeNode(
      feature: split.feature, threshold: split.threshold, left: Int32(left))
    tree.splitBins[node] = split.bin

    let goOn = (
      canSplit(children.0, depth: depth + 1), canSplit(children.1, depth: depth + 1)
    )
    var histograms: (Histogram?, Histogram?) = (nil, nil)
    if goOn.0 || goOn.1 {
      let leftIsSmaller = children.0.rows.count <= children.1.rows.count
      let smaller = makeHistogram(leftIsSmaller ? children.0 : children.1)
      histogram.subtract(smaller)
      histograms = leftIsSmaller ? (smaller, histogram) : (histogram, smaller)
    } else {
      spares.append(histogram)
    }
    if !goOn.0, let unused = histograms.0 { spares.append(unused) }
    if !goOn.1, let unused = histograms.1 { spares.append(unused) }
    grow(left, children.0, depth: depth + 1, goOn.0 ? histograms.0 : nil)
    grow(left + 1, children.1, depth: depth + 1, goOn.1 ? histograms.1 : nil)
  }

  private func appendNode() {
    tree.nodes.append(TreeNode(feature: TreeNode.leaf, threshold: 0, left: 0))
    tree.splitBins.append(0)
  }

  private func canSplit(_ part: Part, depth: Int) -> Bool {
    depth < settings.depth && part.sums.y >= 2 * settings.minimumLeafWeight
  }

  // MARK: Splits

  private struct Split {
    var feature: Int32
    var threshold: Float
    /// The last bin that goes left, for a feature.
    var bin: Int32
    var gain: Double
  }

  /// The split of the largest gain `G_l^2/(H_l + c) + G_r^2/(H_r + c) - G^2/(H + c)` (Chen and
  /// Guestrin 2016, equation 7), of equals the first; nil when none gains.
  private func bestSplit(_ part: Part, _ histogram: Histogram) -> Split? {
    let (total, minimum, penalty) = (part.sums, settings.minimumLeafWeight, settings.penalty)
    func score(_ sums: SIMD2<Double>) -> Double { sums.x * sums.x / (sums.y + penalty) }
    let whole = score(total)
    var best: Split?
    var bestGain = 1e-9 * (1 + whole)

    @inline(__always)
    func consider(_ left: SIMD2<Double>, _ split: @autoclosure () -> Split) {
      let right = total - left
      guard left.y >= minimum, right.y >= minimum, left.y > 0, right.y > 0 else { return }
      let gain = score(left) + score(right) - whole
      guard gain > bestGain else { return }
      bestGain = gain
      best = split()
      best?.gain = gain
    }

    histogram.sums.withUnsafeBufferPointer { sums in
      for feature in features {
        let (first, end) = (table.bins.offsets[Int(feature)], table.bins.offsets[Int(feature) + 1])
        var unlisted = total
        for bin in first..<end { unlisted -= sums[Int(bin)] }
        let unlistedBin = table.bins.unlisted[Int(feature)]
        var left = SIMD2<Double>()
        for bin in first..<end - 1 {
          left += bin == unlistedBin ? unlisted : sums[Int(bin)]
          consider(
            left,
            Split(
              feature: feature,
              threshold: table.bins.cuts[Int(feature)][Int(bin - first)], bin: bin, gain: 0))
        }
      }
    }
    if part.outputs.count > 1 {
      var left = SIMD2<Double>()
      for (output, sums) in zip(part.outputs, sumsByOutput(part)).dropLast() {
        left += sums
        consider(
          left,
          Split(
            feature: TreeNode.timeSplit, threshold: Float(output + 1), bin: 0, gain: 0))
      }
    }
    return best
  }

  private func divide(_ part: Part, _ split: Split) -> (Part, Part) {
    if split.feature == TreeNode.timeSplit {
      let cut = Int(split.threshold)
      return (
        makePart(part.rows, part.outputs.lowerBound..<cut),
        makePart(part.rows, cut..<part.outputs.upperBound)
      )
    }
    var (left, right): ([Int32], [Int32]) = ([], [])
    for row in part.rows {
      if table.bin(row: Int(row), feature: Int(split.feature)) <= split.bin {
        left.append(row)
      } else {
        right.append(row)
      }
    }
    return (makePart(left, part.outputs), makePart(right, part.outputs))
  }

  // MARK: Sums

  /// The derivatives of one row over a range of outputs.
  @inline(__always)
  private func derivative(_ row: Int32, _ outputs: Range<Int>) -> SIMD2<Float> {
    let base = Int(row) &* (self.outputs &+ 1)
    return derivatives[base &+ outputs.upperBound] - derivatives[base &+ outputs.lowerBound]
  }

  /// Leaves out rows that nothing can be learnt from: those that ended before the node's time bins.
  private func makePart(_ rows: [Int32], _ outputs: Range<Int>) -> Part {
    var part = Part(rows: rows, outputs: outputs, sums: .zero)
    if self.outputs > 1 { part.rows = rows.filter { derivative($0, outputs).y > 0 } }
    for row in part.rows { part.sums += SIMD2<Double>(derivative(row, outputs)) }
    return part
  }

  private func sumsByOutput(_ part: Part) -> [SIMD2<Double>] {
    var sums = [SIMD2<Double>](repeating: .zero, count: part.outputs.count)
    for row in part.rows {
      for (index, output) in part.outputs.enumerated() {
        sums[index] += SIMD2<Double>(derivative(row, output..<output + 1))
      }
    }
    return sums
  }

  private func makeHistogram(_ part: Part) -> Histogram {
    let histogram = spares.popLast() ?? Histogram(binCount: table.bins.binCount)
    histogram.sums.withUnsafeMutableBufferPointer { sums in
      sums.update(repeating: .zero)
      table.entries.withUnsafeBufferPointer { entries in
        for row in part.rows {
          let value = SIMD2<Double>(derivative(row, part.outputs))
          for place in table.starts[Int(row)]..<table.starts[Int(row) + 1] {
            sums[Int(entries[place])] += value
          }
        }
      }
    }
    return histogram
  }
}

/// The sums of first and second derivatives by bin. Nothing is added up for unlisted bins, which are
/// what is left of the node's total.
private final class Histogram {
  var sums: [SIMD2<Double>]

  init(binCount: Int) { sums = Array(repeating: .zero, count: binCount) }

  func subtract(_ other: Histogram) {
    for index in sums.indices { sums[index] -= other.sums[index] }
  }
}
