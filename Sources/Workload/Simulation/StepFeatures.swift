/// What a step's duration is linear in, and sums of it over many steps.
package struct StepFeatures: Equatable, Sendable {
  /// Steps, prefill tokens, their contexts, decodes, their contexts, then tokens beyond each knee.
  package private(set) var values: [Double]
  private let knees: [Int]

  package init(knees: [Int]) {
    self.knees = knees
    values = [Double](repeating: 0, count: 5 + knees.count)
  }

  /// Adds `count` steps of which the first has this shape and each next one a token more of
  /// context for every decode.
  package mutating func add(_ shape: StepShape, count: Int = 1) {
    let times = Double(count)
    values[0] += times
    values[1] += times * Double(shape.prefillTokens)
    values[2] += times * Double(shape.prefillContext)
    values[3] += times * Double(shape.decodes)
    values[4] +=
      times * (Double(shape.decodeContext) + Double(shape.decodes) * (times - 1) / 2)
    let tokens = shape.prefillTokens + shape.decodes
    for (index, knee) in knees.enumerated() where tokens > knee {
      values[5 + index] += times * Double(tokens - knee)
    }
  }

  /// What was added since `earlier`.
  package func since(_ earlier: StepFeatures) -> [Double] {
    zip(values, earlier.values).map { $0 - $1 }
  }
}

extension StepTimeModel {
  /// One step of an engine as it was measured.
  package struct MeasuredStep: Equatable, Sendable {
    package var shape: StepShape
    package var seconds: Double

    package init(shape: StepShape, seconds: Double) {
      self.shape = shape
      self.seconds = seconds
    }
  }

  /// The coefficients that fit measured steps best, by least squares of the relative error, none
  /// below zero; what is left over becomes the jitter.
  ///
  /// - Parameter knees: numbers of tokens at which the slope may change.
  /// - Throws: `.underdetermined` if the steps are too few or too much alike.
  package static func fit(
    _ steps: [MeasuredStep], knees: [Int] = []
  ) throws(WorkloadError) -> StepTimeModel {
    var rows = LeastSquares(columns: 5 + knees.count)
    for step in steps where step.seconds > 0 {
      var features = StepFeatures(knees: knees)
      features.add(step.shape)
      rows.add(features.values, value: step.seconds, weight: 1 / step.seconds)
    }
    var model = StepTimeModel(coefficients: try rows.solveNonnegative(), knees: knees)
    for step in steps where step.seconds > 0 {
      model.jitter.append(Float(step.seconds / model.duration(step.shape).seconds))
    }
    return model
  }

  /// From seconds, in the order of `StepFeatures`.
  package init(coefficients: [Double], knees: [Int] = []) {
    self.init(
      overhead: coefficients[0], prefillToken: coefficients[1], prefillContext: coefficients[2],
      decode: coefficients[3], decodeContext: coefficients[4])
    for (index, knee) in knees.enumerated() where coefficients[5 + index] != 0 {
      self.knees.append(Knee(tokens: knee, slope: Time(seconds: coefficients[5 + index])))
    }
  }
}
