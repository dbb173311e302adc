/// AdamW (Loshchilov and Hutter 2019) with the semantics of `torch.optim.AdamW`: decay first and by
/// the learning rate, both moments corrected for their start at zero, epsilon outside of the root.
package struct AdamW: Codable, Equatable, Sendable {
  package struct Settings: Codable, Equatable, Sendable {
    package var learningRate: Double
    package var beta1: Double
    package var beta2: Double
    package var epsilon: Double
    /// On all parameters, biases too.
    package var weightDecay: Double

    /// The defaults are PyTorch's.
    package init(
      learningRate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999,
      epsilon: Double = 1e-8, weightDecay: Double = 1e-2
    ) {
      self.learningRate = learningRate
      self.beta1 = beta1
      self.beta2 = beta2
      self.epsilon = epsilon
      self.weightDecay = weightDecay
    }

    /// - Throws: `setting`.
    func validate() throws(LearningError) {
      guard learningRate >= 0, learningRate.isFinite, epsilon > 0, weightDecay >= 0,
        (0..<1).contains(beta1), (0..<1).contains(beta2)
      else { throw LearningError(.setting, at: "AdamW", "cannot run with \(self)") }
    }
  }

  package let settings: Settings
  /// Updates so far.
  package private(set) var steps = 0
  /// The running means of the gradient and of its square.
  package private(set) var firstMoment: [Float]
  package private(set) var secondMoment: [Float]

  package init(_ settings: Settings, parameterCount: Int) {
    self.settings = settings
    firstMoment = Array(repeating: 0, count: parameterCount)
    secondMoment = firstMoment
  }

  /// Moves `parameters` by one step. `schedule` multiplies the learning rate.
  package mutating func update(
    _ parameters: inout [Float], gradient: [Float], schedule: Double = 1
  ) {
    precondition(parameters.count == firstMoment.count && gradient.count == firstMoment.count)
    steps += 1
    let rate = settings.learningRate * schedule
    let correction1 = 1 - power(settings.beta1, steps)
    let correction2 = (1 - power(settings.beta2, steps)).squareRoot()
    let keep = Float(1 - rate * settings.weightDecay)
    let step = Float(rate / correction1)
    let (gain1, beta2) = (Float(1 - settings.beta1), Float(settings.beta2))
    let (gain2, root) = (Float(1 - settings.beta2), Float(correction2))
    let epsilon = Float(settings.epsilon)
    let count = parameters.count

    parameters.withUnsafeMutableBufferPointer { parameters in
      gradient.withUnsafeBufferPointer { gradient in
        firstMoment.withUnsafeMutableBufferPointer { first in
          secondMoment.withUnsafeMutableBufferPointer { second in
            for i in 0..<count {
              let g = gradient[i]
              first[i] += gain1 * (g - first[i])
              second[i] = beta2 * second[i] + gain2 * (g * g)
              let denominator = second[i].squareRoot() / root + epsilon
              parameters[i] = parameters[i] * keep - step * (first[i] / denominator)
            }
          }
        }
      }
    }
  }

  private func power(_ base: Double, _ exponent: Int) -> Double {
    Double.exp(Double(exponent) * Double.log(base))
  }
}

/// Scales `gradient` so that its Euclidean norm is at most `limit`, and returns the norm that it had
/// (`torch.nn.utils.clip_grad_norm_`).
@discardableResult
package func clipNorm(of gradient: inout [Float], to limit: Double) -> Double {
  var square = 0.0
  for value in gradient { square += Double(value) * Double(value) }
  let norm = square.squareRoot()
  let scale = Float(limit / (norm + 1e-6))
  if scale < 1 { for index in gradient.indices { gradient[index] *= scale } }
  return norm
}
