/// Computes a loss, and its gradient, over many rows with several threads.
///
/// The rows are cut into a fixed number of slices. Each slice adds up its own gradient in the order of
/// its rows, and the slices are added up in order, so the sum has the same bits for any number of
/// threads.
final class LossPass {
  private static let sliceCount = 4
  /// Enough rows for the products to be blocked, few enough for them to stay in the cache.
  private static let blockRows = 32

  private let slices: [LossSlice]
  /// Of the mean loss by the parameters, after `run` with `withGradient`.
  private(set) var gradient: [Float]

  init(for network: DenseNetwork, withGradient: Bool) {
    let count = withGradient ? network.parameters.count : 0
    gradient = Array(repeating: 0, count: count)
    slices = (0..<Self.sliceCount).map { _ in
      LossSlice(network, blockRows: Self.blockRows, gradientCount: count)
    }
  }

  /// The sums of losses and weights over the rows of `samples` that `rows` lists.
  func run(
    _ network: DenseNetwork, _ loss: any Loss, _ samples: Samples, rows: ArraySlice<Int32>,
    threads: Int
  ) -> (loss: Double, weight: Double) {
    let targets = samples.targets.span
    var weight = 0.0
    for row in rows {
      let target = targets.extracting(samples.target(Int(row)))
      weight += Double(samples.weight(Int(row)) * loss.weight(of: target))
    }
    let (first, count, parts) = (rows.startIndex, rows.count, slices.count)
    // Rows without weight have no mean, and no gradient.
    let scale = weight > 0 ? Float(1 / weight) : 0
    forEachPart(parts, threads: threads) { part in
      let range = first + count * part / parts..<first + count * (part + 1) / parts
      slices[part].run(network, loss, samples, rows: rows[range], scale: scale)
    }
    combineGradients()
    return (slices.reduce(0) { $0 + $1.loss }, weight)
  }

  private func combineGradients() {
    gradient.withUnsafeMutableBufferPointer { sum in
      for (index, slice) in slices.enumerated() {
        slice.gradient.withUnsafeBufferPointer { part in
          for i in 0..<part.count { sum[i] = index == 0 ? part[i] : sum[i] + part[i] }
        }
      }
    }
  }
}

/// One slice's share of a pass, and the memory that it needs.
private final class LossSlice {
  private(set) var loss = 0.0
  private(set) var gradient: [Float]
  private var workspace: NetworkWorkspace
  private var outputs: [Float]
  /// The derivative of one row's loss by its outputs.
  private var slopes: [Float]
  private let blockRows: Int

  init(_ network: DenseNetwork, blockRows: Int, gradientCount: Int) {
    workspace = NetworkWorkspace(for: network, rows: blockRows)
    outputs = Array(repeating: 0, count: blockRows * network.outputWidth)
    slopes = Array(repeating: 0, count: network.outputWidth)
    gradient = Array(repeating: 0, count: gradientCount)
    self.blockRows = blockRows
  }

  func run(
    _ network: DenseNetwork, _ loss: any Loss, _ samples: Samples, rows: ArraySlice<Int32>,
    scale: Float
  ) {
    self.loss = 0
    for index in gradient.indices { gradient[index] = 0 }
    var start = rows.startIndex
    while start < rows.endIndex {
      let end = min(start + blockRows, rows.endIndex)
      runBlock(network, loss, samples, rows: rows[start..<end], scale: scale)
      start = end
    }
  }

  private func runBlock(
    _ network: DenseNetwork, _ loss: any Loss, _ samples: Samples, rows: ArraySlice<Int32>,
    scale: Float
  ) {
    let (width, start) = (samples.inputWidth, rows.startIndex)
    samples.inputs.withUnsafeBufferPointer { inputs in
      guard let inputs = inputs.baseAddress else { return }
      network.forward(rows: rows.count, in: &workspace) { row, destination in
        destination.update(from: inputs + Int(rows[start + row]) * width, count: width)
      } finish: { result in
        outputs.withUnsafeMutableBufferPointer { outputs in
          outputs.baseAddress?.update(from: result, count: rows.count * network.outputWidth)
        }
      }
    }
    let outputWidth = network.outputWidth
    for (index, row) in rows.enumerated() {
      let range = index * outputWidth..<(index + 1) * outputWidth
      let weight = samples.weight(Int(row))
      var span = slopes.mutableSpan
      let value = loss.evaluate(
        outputs.span.extracting(range), samples.targets.span.extracting(samples.target(Int(row))),
        gradient: &span)
      self.loss += Double(weight) * Double(value)
      for (output, slope) in zip(range, slopes) {
        workspace.gradients[output] = slope * weight * scale
      }
    }
    if !gradient.isEmpty {
      network.backward(rows: rows.count, in: &workspace, addingTo: &gradient)
    }
  }
}

extension DenseNetwork {
  /// The mean loss over all rows. The same bits for any number of threads.
  ///
  /// - Throws: `shape` or `value` when the rows, the loss and the network do not fit each other.
  package func meanLoss(
    _ loss: any Loss, on samples: Samples, threads: Int = 1
  ) throws(LearningError) -> Double {
    try samples.validate(for: self, loss)
    let sums = LossPass(for: self, withGradient: false).run(
      self, loss, samples, rows: (0..<Int32(samples.count)).map { $0 }[...], threads: threads)
    return sums.loss / sums.weight
  }

  /// The mean loss over all rows and its gradient by `parameters`.
  ///
  /// - Throws: as `meanLoss`.
  package func gradient(
    of loss: any Loss, on samples: Samples, threads: Int = 1
  ) throws(LearningError) -> (loss: Double, gradient: [Float]) {
    try samples.validate(for: self, loss)
    let pass = LossPass(for: self, withGradient: true)
    let sums = pass.run(
      self, loss, samples, rows: (0..<Int32(samples.count)).map { $0 }[...], threads: threads)
    return (sums.loss / sums.weight, pass.gradient)
  }
}
