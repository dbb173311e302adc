/// Shift and scale that give each input mean zero and variance one over the training data.
package struct Standardisation: Codable, Equatable, Sendable {
  package var mean: [Float]
  /// One over the standard deviation; one for an input that does not vary.
  package var scale: [Float]

  /// - Throws: `shape` when the two differ in length, `value` when a number is not finite.
  package init(mean: [Float], scale: [Float]) throws(LearningError) {
    guard mean.count == scale.count else {
      throw LearningError(
        .shape, at: "standardisation", "\(mean.count) means and \(scale.count) scales")
    }
    guard mean.allSatisfy(\.isFinite), scale.allSatisfy(\.isFinite) else {
      throw LearningError(.value, at: "standardisation", "a mean or a scale is not finite")
    }
    self.mean = mean
    self.scale = scale
  }

  /// Fits the inputs of `samples`, in double precision and two passes.
  package init(fitting samples: Samples) {
    let (width, count) = (samples.inputWidth, samples.count)
    var means = [Double](repeating: 0, count: width)
    var squares = means
    for row in 0..<count {
      for column in 0..<width { means[column] += Double(samples.inputs[row * width + column]) }
    }
    for column in 0..<width { means[column] /= Double(count) }
    for row in 0..<count {
      for column in 0..<width {
        let deviation = Double(samples.inputs[row * width + column]) - means[column]
        squares[column] += deviation * deviation
      }
    }
    mean = means.map { Float($0) }
    scale = zip(squares, mean).map { square, mean in
      let deviation = (square / Double(count)).squareRoot()
      // A column of one value leaves rounding noise only, which must not be blown up.
      return deviation > 1e-6 * max(1, Double(mean.magnitude)) ? Float(1 / deviation) : 1
    }
  }
}
