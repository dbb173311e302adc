/// What a network learns from: rows of inputs and targets, with an optional weight for each row.
package struct Samples: Equatable, Sendable {
  package let inputWidth: Int
  package let targetWidth: Int
  /// `(count, inputWidth)`.
  package let inputs: [Float]
  /// `(count, targetWidth)`. What the numbers mean is up to the loss.
  package let targets: [Float]
  /// One for each row, not negative, or empty when all rows count the same.
  package let weights: [Float]
  package let count: Int

  /// - Throws: `shape` when the sizes disagree, `value` with the row and the column of an input that
  ///   is not finite or a weight that is negative.
  package init(
    inputs: [Float], inputWidth: Int, targets: [Float], targetWidth: Int, weights: [Float] = []
  ) throws(LearningError) {
    guard inputWidth > 0, targetWidth > 0 else {
      throw LearningError(
        .shape, at: "samples", "widths of \(inputWidth) and \(targetWidth) are not positive")
    }
    let count = targets.count / targetWidth
    guard
      targets.count == count * targetWidth, inputs.count == count * inputWidth,
      weights.isEmpty || weights.count == count
    else {
      throw LearningError(
        .shape, at: "samples",
        "\(inputs.count) inputs of width \(inputWidth), \(targets.count) targets of width "
          + "\(targetWidth) and \(weights.count) weights do not have the same number of rows")
    }
    guard count > 0, count <= Int(Int32.max) else {
      throw LearningError(.tooFewSamples, at: "samples", "\(count) rows are not in 1 ..< 2^31")
    }
    if let bad = inputs.firstIndex(where: { !$0.isFinite }) {
      throw LearningError(
        .value, at: "samples, row \(bad / inputWidth), column \(bad % inputWidth)",
        "the input is \(inputs[bad])")
    }
    if let bad = weights.firstIndex(where: { !($0 >= 0) || !$0.isFinite }) {
      throw LearningError(.value, at: "samples, row \(bad)", "the weight is \(weights[bad])")
    }
    self.inputWidth = inputWidth
    self.targetWidth = targetWidth
    self.inputs = inputs
    self.targets = targets
    self.weights = weights
    self.count = count
  }

  /// The weight of a row.
  @inline(__always)
  func weight(_ row: Int) -> Float { weights.isEmpty ? 1 : weights[row] }

  /// The target of a row, as a range of `targets`.
  @inline(__always)
  func target(_ row: Int) -> Range<Int> { row * targetWidth..<(row + 1) * targetWidth }

  /// - Throws: `shape` or `value` when the network, the loss and the rows do not fit each other.
  func validate(for network: DenseNetwork, _ loss: any Loss) throws(LearningError) {
    guard inputWidth == network.inputWidth else {
      throw LearningError(
        .shape, at: "samples",
        "have \(inputWidth) inputs a row and the network takes \(network.inputWidth)")
    }
    guard loss.outputWidth == network.outputWidth, loss.targetWidth == targetWidth else {
      throw LearningError(
        .shape, at: "loss",
        "expects \(loss.outputWidth) outputs and \(loss.targetWidth) targets a row; the network "
          + "gives \(network.outputWidth) and the samples have \(targetWidth)")
    }
    var total = 0.0
    for row in 0..<count {
      if let problem = loss.problem(with: targets.span.extracting(target(row))) {
        throw LearningError(.value, at: "samples, row \(row)", problem)
      }
      total += Double(weight(row) * loss.weight(of: targets.span.extracting(target(row))))
    }
    guard total > 0 else {
      throw LearningError(.tooFewSamples, at: "samples", "the weights of all rows are zero")
    }
  }
}
