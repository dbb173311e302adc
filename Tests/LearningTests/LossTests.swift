import Testing

@testable import Learning

/// Values by hand; slopes are in GradientTests.
@Suite struct LossTests {
  private func value(_ loss: any Loss, _ outputs: [Float], _ target: [Float]) -> Float {
    var slopes = [Float](repeating: 0, count: outputs.count)
    var span = slopes.mutableSpan
    return loss.evaluate(outputs.span, target.span, gradient: &span)
  }

  @Test("Cross entropy with a soft label: one logit and two give the same, far logits stay finite")
  func crossEntropy() {
    let one = SoftLabelCrossEntropy(rejectionWeight: 6)
    let two = SoftLabelCrossEntropy(link: .twoClassSoftmax, rejectionWeight: 6)
    let logit = Float(Double.logit(0.8))
    let expected = Float(-0.7 * Double.log(0.8) - 6 * 0.3 * Double.log(0.2))
    #expect(abs(value(one, [logit], [0.7]) - expected) < 1e-5)
    #expect(abs(value(two, [1, 1 + logit], [0.7]) - expected) < 1e-5)
    #expect(one.weight(of: [0.7].span) == 0.7 + 6 * (1 - 0.7))
    #expect(abs(value(one, [200], [0]) - 1200) < 1e-3)
    #expect(value(one, [-200], [0]) == 0)
  }

  @Test("The weighted loss is smallest at p / (p + w (1 - p)), and undistorted leads back")
  func distortion() {
    let loss = SoftLabelCrossEntropy(rejectionWeight: 6)
    let grid = (1..<1000).map { Double($0) / 1000 }
    let best = grid.min {
      value(loss, [Float(Double.logit($0))], [0.9]) < value(loss, [Float(Double.logit($1))], [0.9])
    }
    #expect(best == 0.6)
    #expect(abs(loss.undistorted(0.6) - 0.9) < 1e-12)
    #expect(abs(loss.undistorted(0.4) - 0.8) < 1e-12)
    #expect(loss.undistorted(0) == 0 && loss.undistorted(1) == 1)
  }

  @Test("Pinball: asymmetric slopes, the mean over draws, missing draws, no draw at all")
  func pinball() throws {
    let loss = try PinballLoss(levels: [0.9, 0.5], draws: 3)
    // Level 0.9: 2 too low costs 1.8, 1 too high costs 0.1. Level 0.5: half the distance.
    let value = value(loss, [1, 1], [3, 0, .nan])
    #expect(abs(value - ((1.8 + 0.1) / 2 + (1 + 0.5) / 2) / 2) < 1e-6)
    #expect(loss.weight(of: [3, 0, .nan].span) == 1)
    #expect(loss.weight(of: [.nan, .nan, .nan].span) == 0)
    #expect(self.value(loss, [1, 1], [.nan, .nan, .nan]) == 0)
    #expect(loss.problem(with: [1, .infinity, 0].span) == "draw 1 is inf")
    #expect(throws: LearningError.self) { try PinballLoss(levels: [0.5, 1]) }

    var crossed: [Float] = [3, 5]
    loss.rearrange(&crossed)
    #expect(crossed == [5, 3])
  }

  @Test("Hazard: the likelihood of an end, of a censored subject, and of both in one row")
  func hazard() throws {
    let loss = try HazardLoss(bins: 3, draws: 2)
    let logits = [0.2, 0.5, 0.25].map { Float(Double.logit($0)) }
    let ended = HazardLoss.ended(in: 1)
    let censored = HazardLoss.censored(before: 1)
    let through = HazardLoss.censored(before: 3)
    let log = Double.log
    #expect(abs(Double(value(loss, logits, [ended, .nan])) + log(0.8) + log(0.5)) < 1e-6)
    #expect(abs(Double(value(loss, logits, [censored, .nan])) + log(0.8)) < 1e-6)
    #expect(value(loss, logits, [HazardLoss.censored(before: 0), .nan]) == 0)
    let both = -(log(0.8 * 0.5) + log(0.8 * 0.5 * 0.75)) / 2
    #expect(abs(Double(value(loss, logits, [ended, through])) - both) < 1e-6)
    #expect(loss.problem(with: [1.25, 0].span) != nil)
    #expect(loss.problem(with: [3, 0].span) != nil)
    #expect(loss.problem(with: [2.5, -0.5].span) == nil)
  }

  @Test("Hazards to survival and probabilities, from the start and given a bin survived")
  func distribution() {
    let logits = [0.2, 0.5, 0.25].map { Float(Double.logit($0)) }
    let survival = DiscreteHazard.survival(logits: logits)
    for (found, expected) in zip(survival, [0.8, 0.4, 0.3]) {
      #expect(abs(found - expected) < 1e-7)
    }
    let start = DiscreteHazard.probabilities(logits: logits)
    for (found, expected) in zip(start, [0.2, 0.4, 0.1, 0.3]) {
      #expect(abs(found - expected) < 1e-7)
    }
    let later = DiscreteHazard.probabilities(logits: logits, after: 1)
    for (found, expected) in zip(later, [0, 0.5, 0.125, 0.375]) {
      #expect(abs(found - expected) < 1e-7)
    }
  }

  @Test("Squared error is the mean over outputs")
  func squaredError() {
    #expect(value(SquaredError(outputs: 2), [1, 5], [2, 2]) == 5)
  }
}
