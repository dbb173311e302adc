import FoundationEssentials
import Support
import Testing

@testable import Learning

/// Against PyTorch, with values made by Tools/reference/adamw.py.
@Suite struct TorchParityTests {
  struct Reference: Decodable {
    struct Optimiser: Decodable {
      var start: [Float]
      var gradients: [[Float]]
      var after: [[Float]]
    }
    struct Run: Decodable {
      var inputs: [Float]
      var labels: [Float]
      var start: [Float]
      var losses: [Double]
      var norms: [Double]
      var factors: [Double]
      var end: [Float]
      var outputs: [Float]
    }
    var optimiser: Optimiser
    var head: Run
    var multilayer: Run
  }

  let reference: Reference

  init() throws {
    let path = Fixture.path("learning/adamw.json")
    reference = try JSONDecoder().decode(
      Reference.self, from: Data(contentsOf: URL(filePath: path)))
  }

  @Test("AdamW moves parameters as torch.optim.AdamW does")
  func optimiser() {
    var parameters = reference.optimiser.start
    var optimiser = AdamW(
      .init(learningRate: 0.05, beta1: 0.8, beta2: 0.95, weightDecay: 0.1),
      parameterCount: parameters.count)
    for (gradient, after) in zip(reference.optimiser.gradients, reference.optimiser.after) {
      optimiser.update(&parameters, gradient: gradient)
      #expect(largestDifference(parameters, after) < 1e-6)
    }
    #expect(optimiser.steps == reference.optimiser.after.count)
  }

  @Test("The head of SpecDec++ with tied blocks trains as its PyTorch original does")
  func head() throws {
    try check(
      reference.head, layers: .specDecPlusPlusHead(width: 6, depth: 3),
      loss: .init(link: .twoClassSoftmax, rejectionWeight: 6))
  }

  @Test("A multilayer network with ReLU and SiLU trains as its PyTorch original does")
  func multilayer() throws {
    try check(
      reference.multilayer,
      layers: [
        .linear(inputs: 11, outputs: 9), .activation(.relu, width: 9),
        .linear(inputs: 9, outputs: 5), .activation(.silu, width: 5),
        .linear(inputs: 5, outputs: 1),
      ], loss: .init())
  }

  private func check(_ run: Reference.Run, layers: [Layer], loss: SoftLabelCrossEntropy) throws {
    let network = try DenseNetwork(layers, standardisation: nil, parameters: run.start)
    let samples = try Samples(
      inputs: run.inputs, inputWidth: network.inputWidth, targets: run.labels, targetWidth: 1)
    let steps = run.losses.count
    let schedule = LearningRateSchedule.cosine(warmup: 3.0 / 8)
    // Each epoch is one step over all rows.
    let trainer = try Trainer(
      network, loss: loss, training: samples,
      settings: TrainingSettings(
        epochs: steps, batchSize: samples.count,
        optimiser: .init(learningRate: 0.02, weightDecay: 0.05), schedule: schedule,
        gradientNorm: 0.5))
    for step in 0..<steps {
      #expect(abs(schedule.factor(step: step, total: steps) - run.factors[step]) < 1e-9)
      var gradient = try trainer.network.gradient(of: loss, on: samples).gradient
      #expect(abs(clipNorm(of: &gradient, to: 0.5) - run.norms[step]) < 2e-5)
      let summary = try #require(try trainer.step())
      #expect(abs(summary.trainingLoss - run.losses[step]) < 2e-6)
    }
    #expect(trainer.isFinished)
    #expect(largestDifference(trainer.network.parameters, run.end) < 2e-5)
    var outputs = [Float](repeating: 0, count: run.outputs.count)
    var workspace = NetworkWorkspace(for: network, rows: 4)
    trainer.network.predict(
      run.inputs.span, rows: samples.count, into: &outputs, workspace: &workspace)
    #expect(largestDifference(outputs, run.outputs) < 5e-5)
  }

  private func largestDifference(_ a: [Float], _ b: [Float]) -> Float {
    a.count == b.count ? zip(a, b).map { abs($0 - $1) }.max() ?? 0 : .infinity
  }
}
