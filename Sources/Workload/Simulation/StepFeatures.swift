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

  /// The coefficients that fit measured steps best, none below zero; what is left over becomes the
  /// jitter.
  ///
  /// Errors count relative to what is predicted, by repeated least squares, so that noise, which
  /// mostly makes steps longer, does not make the long ones count less: the sum of the predictions
  /// is that of the steps. Between two knees a token has one price, which may be higher or lower
  /// than before, never below zero.
  ///
  /// - Parameter knees: ascending numbers of tokens at which the slope may change.
  /// - Throws: `.underdetermined` if the steps are too few or too much alike.
  package static func fit(
    _ steps: [MeasuredStep], knees: [Int] = []
  ) throws(WorkloadError) -> StepTimeModel {
    let steps = steps.filter { $0.seconds > 0 }
    let rows = steps.map { Self.columns($0.shape, knees) }
    var predicted = steps.map(\.seconds)
    var coefficients: [Double] = []
    for _ in 0..<6 {
      var squares = LeastSquares(columns: 5 + (knees.isEmpty ? 0 : knees.count + 1))
      for (index, row) in rows.enumerated() {
        squares.add(row, value: steps[index].seconds, weight: 1 / predicted[index])
      }
      coefficients = try squares.solveNonnegative()
      predicted = rows.map { row in
        max(1e-12, zip(row, coefficients).reduce(0) { $0 + $1.0 * $1.1 })
      }
    }
    var model = StepTimeModel(coefficients: coefficients)
    var slope = coefficients.dropFirst(5).first ?? 0
    model.prefillToken += Time(seconds: slope)
    model.decode += Time(seconds: slope)
    for (tokens, next) in zip(knees, coefficients.dropFirst(6)) where next != slope {
      model.knees.append(Knee(tokens: tokens, slope: Time(seconds: next - slope)))
      slope = next
    }
    model.jitter = steps.map { Float($0.seconds / model.duration($0.shape).seconds) }
    return model
  }

  /// What a step's duration is fitted as a sum of: those of `StepFeatures` without knees, then how
  /// many of its tokens lie between each two knees.
  private static func columns(_ shape: StepShape, _ knees: [Int]) -> [Double] {
    var features = StepFeatures(knees: [])
    features.add(shape)
    guard !knees.isEmpty else { return features.values }
    let tokens = shape.prefillTokens + shape.decodes
    let edges = [0] + knees + [.max]
    return features.values
      + zip(edges, edges.dropFirst()).map { Double(min(max(0, tokens - $0), $1 - $0)) }
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
