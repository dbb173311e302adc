import FoundationEssentials
import Testing

@testable import Learning

@Suite struct TrainerTests {
  /// `sin(2 x) + x y`, a smooth function that no linear model fits.
  private static func samples(_ count: Int, seed: UInt64) throws -> Samples {
    var random = SeededRandom(seed)
    let inputs = (0..<2 * count).map { _ in 4 * random.uniform() - 2 }
    let targets = (0..<count).map { row in
      let (x, y) = (Double(inputs[2 * row]), Double(inputs[2 * row + 1]))
      return Float(Double.cos(2 * x - .pi / 2) + x * y)
    }
    return try Samples(inputs: inputs, inputWidth: 2, targets: targets, targetWidth: 1)
  }

  private static func settings(epochs: Int, patience: Int? = nil) -> TrainingSettings {
    TrainingSettings(
      epochs: epochs, batchSize: 64, optimiser: .init(learningRate: 1e-2, weightDecay: 0),
      patience: patience, seed: 9)
  }

  @Test("A smooth function is learnt, and the training loss falls")
  func learns() throws {
    let (training, heldOut) = (try Self.samples(2000, seed: 1), try Self.samples(500, seed: 2))
    let network = try DenseNetwork(.multilayer([2, 32, 32, 1]), seed: 3)
    let trainer = try Trainer(
      network, loss: SquaredError(), training: training, heldOut: heldOut,
      settings: Self.settings(epochs: 60), threads: 2)
    var summaries: [EpochSummary] = []
    let learnt = try trainer.run { summaries.append($0) }
    #expect(try learnt.meanLoss(SquaredError(), on: heldOut) < 2e-3)
    #expect(summaries == trainer.checkpoint.history)
    #expect(summaries.count == 60 && summaries.last?.steps == 60 * 32)
    for epoch in stride(from: 10, to: 60, by: 10) {
      #expect(summaries[epoch].trainingLoss < summaries[epoch - 10].trainingLoss)
    }
    let best = summaries.compactMap(\.heldOutLoss).min()
    #expect(try abs(learnt.meanLoss(SquaredError(), on: heldOut) - (best ?? 0)) < 1e-12)
  }

  @Test("A logistic function is recovered from soft labels, through the distortion of the weight")
  func recoversLogistic() throws {
    var random = SeededRandom(4)
    let inputs = (0..<3000 * 3).map { _ in random.normal() }
    func truth(_ x: ArraySlice<Float>) -> Double {
      .sigmoid(zip(x, [1.5, -0.8, 0.3]).map { Double($0) * $1 }.reduce(0.4, +))
    }
    let labels = (0..<3000).map { Float(truth(inputs[3 * $0..<3 * $0 + 3])) }
    let loss = SoftLabelCrossEntropy(link: .twoClassSoftmax, rejectionWeight: 6)
    let network = try Trainer(
      DenseNetwork([.linear(inputs: 3, outputs: 2)], seed: 5), loss: loss,
      training: Samples(inputs: inputs, inputWidth: 3, targets: labels, targetWidth: 1),
      settings: .init(
        epochs: 40, batchSize: 128, optimiser: .init(learningRate: 0.02, weightDecay: 0))
    ).run()
    for row in 0..<100 {
      let x = inputs[3 * row..<3 * row + 3]
      let outputs = network.predict(Array(x))
      let probability = loss.undistorted(loss.probability(outputs.span))
      #expect(abs(probability - truth(x)) < 0.01)
    }
  }

  @Test("The number of threads changes no bit of a run")
  func threads() throws {
    let training = try Self.samples(300, seed: 1)
    let runs = try [1, 2, 3, 8].map { threads in
      let trainer = try Trainer(
        DenseNetwork(.specDecPlusPlusHead(width: 2) + [.linear(inputs: 2, outputs: 1)], seed: 3),
        loss: SquaredError(), training: training, heldOut: training,
        settings: Self.settings(epochs: 3), threads: threads)
      try trainer.run()
      return trainer.checkpoint
    }
    #expect(runs.allSatisfy { $0 == runs[0] })
  }

  @Test("Stopped anywhere, stored as JSON and resumed, a run ends as if undisturbed")
  func resume() throws {
    let (training, heldOut) = (try Self.samples(300, seed: 1), try Self.samples(100, seed: 2))
    let network = try DenseNetwork(.multilayer([2, 8, 1]), seed: 3)
    let whole = try Trainer(
      network, loss: SquaredError(), training: training, heldOut: heldOut,
      settings: Self.settings(epochs: 4))
    try whole.run()
    for stop in [0, 3, 5, 10, 19, 20] {
      let first = try Trainer(
        network, loss: SquaredError(), training: training, heldOut: heldOut,
        settings: Self.settings(epochs: 4))
      for _ in 0..<stop { _ = try first.step() }
      let stored = try JSONEncoder().encode(first.checkpoint)
      let second = try Trainer(
        resuming: JSONDecoder().decode(TrainingCheckpoint.self, from: stored),
        loss: SquaredError(), training: training, heldOut: heldOut, threads: 2)
      try second.run()
      #expect(second.checkpoint == whole.checkpoint)
      #expect(second.network == whole.network)
    }
    // A checkpoint of other data is refused.
    #expect(throws: LearningError.self) {
      try Trainer(
        resuming: whole.checkpoint, loss: SquaredError(), training: try Self.samples(900, seed: 1))
    }
  }

  @Test("Training stops when the held-out loss no longer falls, and the best epoch is kept")
  func earlyStopping() throws {
    // Labels without a pattern: everything learnt is learnt by heart.
    var random = SeededRandom(6)
    func noise(_ count: Int) throws -> Samples {
      try Samples(
        inputs: (0..<4 * count).map { _ in random.normal() }, inputWidth: 4,
        targets: (0..<count).map { _ in random.normal() }, targetWidth: 1)
    }
    let (training, heldOut) = (try noise(60), try noise(60))
    let trainer = try Trainer(
      DenseNetwork(.multilayer([4, 64, 1]), seed: 7), loss: SquaredError(), training: training,
      heldOut: heldOut, settings: Self.settings(epochs: 500, patience: 5))
    let network = try trainer.run()
    let history = trainer.checkpoint.history
    #expect(history.count < 500)
    let losses = history.compactMap(\.heldOutLoss)
    #expect(losses.firstIndex(of: losses.min() ?? 0) == history.count - 6)
    #expect(try network.meanLoss(SquaredError(), on: heldOut) == losses.min())
    #expect(try trainer.step() == nil)
  }

  @Test("A run that leaves the finite numbers says so")
  func divergence() throws {
    let trainer = try Trainer(
      DenseNetwork(.multilayer([2, 8, 1], activation: .relu), seed: 3), loss: SquaredError(),
      training: Self.samples(300, seed: 1),
      settings: .init(
        epochs: 50, optimiser: .init(learningRate: 1e12), schedule: .constant, gradientNorm: nil))
    let error = #expect(throws: LearningError.self) { try trainer.run() }
    #expect(error?.code == .diverged)
  }

  @Test("Settings without sense are refused")
  func settings() throws {
    let samples = try Self.samples(10, seed: 1)
    let network = try DenseNetwork(.multilayer([2, 1]), seed: 1)
    for settings in [
      TrainingSettings(epochs: 0), .init(batchSize: 0), .init(gradientNorm: 0),
      .init(gradientNorm: .nan), .init(patience: 3), .init(optimiser: .init(beta2: 1)),
      .init(optimiser: .init(learningRate: -1)), .init(schedule: .cosine(warmup: 2)),
    ] {
      #expect(throws: LearningError.self) {
        try Trainer(network, loss: SquaredError(), training: samples, settings: settings)
      }
    }
  }

  @Test("The cosine rises in a line, falls to nearly zero and never below")
  func cosine() {
    let schedule = LearningRateSchedule.cosine(warmup: 0.1)
    let factors = (0..<100).map { schedule.factor(step: $0, total: 100) }
    #expect(factors[0] == 0 && factors[5] == 0.5 && factors[10] == 1)
    #expect(zip(factors[10...], factors[11...]).allSatisfy { $0 > $1 })
    #expect(factors[99] > 0 && factors[99] < 1e-3)
    #expect(LearningRateSchedule.constant.factor(step: 99, total: 100) == 1)
    #expect(schedule.factor(step: 0, total: 0) == 1)
  }
}
