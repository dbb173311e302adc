#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A logistic regression on eight features that goes on learning while it is used: one step of
/// AdaGrad per label.
package struct OnlineLogistic: Sendable, Codable, Equatable {
  package var weights: SIMD8<Double>
  /// Sums of squared gradients; large ones make the weights slow to move.
  package var memory: SIMD8<Double>
  package var rate: Double

  package init(weights: SIMD8<Double>, memory: SIMD8<Double>? = nil, rate: Double = 0.05) {
    self.weights = weights
    self.memory = memory ?? SIMD8(repeating: 1)
    self.rate = rate
  }

  /// Whether its numbers leave room for sums of them.
  var isUsable: Bool {
    (0..<8).allSatisfy {
      abs(weights[$0]) < 1e6 && memory[$0] > 0 && memory[$0] < .infinity
    } && 0...1 ~= rate
  }

  package func probability(_ features: SIMD8<Double>) -> Double {
    1 / (1 + exp(-(weights * features).sum()))
  }

  /// Moves toward a label in [0, 1] (cross entropy).
  package mutating func learn(_ features: SIMD8<Double>, label: Double) {
    let gradient = features * (probability(features) - label)
    memory += gradient * gradient
    weights -= rate * gradient / memory.squareRoot()
  }
}

extension Double {
  /// log(p / (1 - p)) for p kept away from 0 and 1.
  static func logit(_ probability: Double) -> Double {
    let p = Swift.min(Swift.max(probability, 1e-4), 1 - 1e-4)
    return log(p / (1 - p))
  }
}
