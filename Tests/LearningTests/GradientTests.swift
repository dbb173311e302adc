import Support
import Testing

@testable import Learning

/// Analytic gradients against central finite differences, for every layer and every loss.
@Suite struct GradientTests {
  @Test(
    "The gradient of every layer is the slope of the loss",
    arguments: [
      [.linear(inputs: 11, outputs: 3)],
      [
        .linear(inputs: 11, outputs: 9), .activation(.silu, width: 9),
        .linear(inputs: 9, outputs: 3),
      ],
      [
        .linear(inputs: 11, outputs: 9), .activation(.relu, width: 9),
        .linear(inputs: 9, outputs: 3),
      ],
      [.residualBlock(width: 11), .linear(inputs: 11, outputs: 3)],
      [.residualBlock(width: 11, applications: 3), .linear(inputs: 11, outputs: 3)],
      [.linear(inputs: 11, outputs: 3), .residualBlock(width: 3, applications: 2)],
    ] as [[Layer]])
  func layers(_ layers: [Layer]) throws {
    var random = SeededRandom(1)
    let samples = try Samples(
      inputs: (0..<37 * 11).map { _ in random.normal() }, inputWidth: 11,
      targets: (0..<37 * 3).map { _ in random.normal() }, targetWidth: 3,
      weights: (0..<37).map { _ in random.uniform() })
    try check(
      DenseNetwork(layers, standardisation: Standardisation(fitting: samples), seed: 2),
      SquaredError(outputs: 3), samples)
  }

  /// A loss with targets that use all its cases.
  struct LossCase: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var loss: any Loss
    var targets: [Float]

    static let all = makeAll()
  }

  private static func makeAll() -> [LossCase] {
    var random = SeededRandom(3)
    let labels = (0..<24).map { $0 < 4 ? Float($0 % 2) : random.uniform() }
    var cases = [
      LossCase(testDescription: "sigmoid", loss: SoftLabelCrossEntropy(), targets: labels),
      LossCase(
        testDescription: "two classes, w = 6",
        loss: SoftLabelCrossEntropy(link: .twoClassSoftmax, rejectionWeight: 6), targets: labels),
      LossCase(testDescription: "squared error", loss: SquaredError(outputs: 2), targets: labels),
    ]
    if let pinball = try? PinballLoss(levels: [0.1, 0.5, 0.9], draws: 2) {
      // Far from the predictions, where the loss has a slope.
      let draws = labels.map { $0 < 0.1 ? .nan : ($0 < 0.5 ? 9 + $0 : -9 - $0) }
      cases.append(.init(testDescription: "pinball", loss: pinball, targets: draws))
    }
    if let hazard = try? HazardLoss(bins: 5, draws: 2) {
      let draws = labels.map { $0 < 0.1 ? Float.nan : ($0 * 10).rounded() / 2 - 0.5 }
      cases.append(.init(testDescription: "hazard", loss: hazard, targets: draws))
    }
    return cases
  }

  @Test("The gradient of every loss is its slope", arguments: LossCase.all)
  func losses(_ item: LossCase) throws {
    var random = SeededRandom(4)
    let rows = item.targets.count / item.loss.targetWidth
    let samples = try Samples(
      inputs: (0..<rows * 5).map { _ in random.normal() }, inputWidth: 5, targets: item.targets,
      targetWidth: item.loss.targetWidth)
    let layers: [Layer] = .multilayer([5, 6, item.loss.outputWidth])
    try check(DenseNetwork(layers, seed: 5), item.loss, samples)
  }

  private func check(_ network: DenseNetwork, _ loss: any Loss, _ samples: Samples) throws {
    let (value, gradient) = try network.gradient(of: loss, on: samples)
    #expect(abs(value - (try network.meanLoss(loss, on: samples))) < 1e-6)
    #expect(gradient.contains { abs($0) > 1e-3 })
    let scale = gradient.map(abs).max() ?? 0
    var moved = network
    for index in gradient.indices {
      let start = network.parameters[index]
      let step: Float = 4e-3
      moved.parameters[index] = start + step
      let above = try moved.meanLoss(loss, on: samples)
      moved.parameters[index] = start - step
      let below = try moved.meanLoss(loss, on: samples)
      moved.parameters[index] = start
      // The kink of a ReLU may lie on one side of the parameter: then the other side is smooth.
      let slopes = [(above - below) / 2, above - value, value - below]
        .map { Float($0 / Double(step)) }
      #expect(
        slopes.contains { abs($0 - gradient[index]) < 2e-3 * scale + 1e-4 },
        "parameter \(index): \(slopes) by differences, \(gradient[index]) by the backward pass")
    }
  }
}
