/// Trains a network on minibatches with AdamW, and keeps the epoch that does best on held-out rows.
///
/// A run is decided by its settings, its data and the network it starts from. Neither the number of
/// threads nor being stopped and resumed from a checkpoint changes a bit of it.
package final class Trainer {
  private let loss: any Loss
  private let training: Samples
  private let heldOut: Samples?
  private let threads: Int
  private let gradientPass: LossPass
  private let heldOutPass: LossPass
  private let heldOutRows: [Int32]
  private var order: [Int32] = []

  /// Where the run is: take it at any time, and give it to `init(resuming:)`.
  package private(set) var checkpoint: TrainingCheckpoint

  /// - Throws: `setting`, `shape` or `value` when the parts make no sense together.
  package convenience init(
    _ network: DenseNetwork, loss: any Loss, training: Samples, heldOut: Samples? = nil,
    settings: TrainingSettings = .init(), threads: Int = 1
  ) throws(LearningError) {
    try self.init(
      resuming: TrainingCheckpoint(settings: settings, network: network), loss: loss,
      training: training, heldOut: heldOut, threads: threads)
  }

  /// - Throws: as the other initialiser, and `parameters` when the checkpoint is of another run.
  package init(
    resuming checkpoint: TrainingCheckpoint, loss: any Loss, training: Samples,
    heldOut: Samples? = nil, threads: Int = 1
  ) throws(LearningError) {
    try checkpoint.settings.validate()
    try training.validate(for: checkpoint.network, loss)
    if let heldOut { try heldOut.validate(for: checkpoint.network, loss) }
    if checkpoint.settings.patience != nil, heldOut == nil {
      throw LearningError(.setting, at: "training", "patience needs held-out samples")
    }
    self.checkpoint = checkpoint
    self.loss = loss
    self.training = training
    self.heldOut = heldOut
    self.threads = threads
    gradientPass = LossPass(for: checkpoint.network, withGradient: true)
    heldOutPass = LossPass(for: checkpoint.network, withGradient: false)
    heldOutRows = (0..<Int32(heldOut?.count ?? 0)).map { $0 }
    try checkpoint.validate(batches: batchesPerEpoch)
    startEpoch()
  }

  package var batchesPerEpoch: Int {
    let size = checkpoint.settings.batchSize
    return (training.count + size - 1) / size
  }

  /// Whether all epochs are done, or patience has run out.
  package var isFinished: Bool {
    if checkpoint.epoch >= checkpoint.settings.epochs { return true }
    return checkpoint.settings.patience.map { checkpoint.staleEpochs >= $0 } ?? false
  }

  /// The network of the best epoch so far, or the latest if there are no held-out rows.
  package var network: DenseNetwork {
    var network = checkpoint.network
    if let best = checkpoint.best { network.parameters = best.parameters }
    return network
  }

  /// Trains to the end and returns `network`. `report` is called after each epoch.
  ///
  /// - Throws: `diverged`.
  @discardableResult
  package func run(
    report: (EpochSummary) -> Void = { _ in }
  ) throws(LearningError) -> DenseNetwork {
    while !isFinished {
      if let summary = try step() { report(summary) }
    }
    return network
  }

  /// Trains on one minibatch. Returns a summary when it was the last one of its epoch.
  ///
  /// - Throws: `diverged` when the loss or the gradient is no longer a finite number.
  package func step() throws(LearningError) -> EpochSummary? {
    guard !isFinished else { return nil }
    let settings = checkpoint.settings
    let first = checkpoint.batch * settings.batchSize
    let rows = order[first..<min(first + settings.batchSize, order.count)]
    let sums = gradientPass.run(
      checkpoint.network, loss, training, rows: rows, threads: threads)
    var gradient = gradientPass.gradient
    let norm = clipNorm(of: &gradient, to: settings.gradientNorm ?? .infinity)
    guard sums.loss.isFinite, norm.isFinite else {
      throw LearningError(
        .diverged, at: "step \(checkpoint.optimiser.steps + 1)",
        "the loss is \(sums.loss) and the norm of its gradient \(norm)",
        advice: "lower the learning rate, or clip the gradient")
    }
    let factor = settings.schedule.factor(
      step: checkpoint.optimiser.steps, total: batchesPerEpoch * settings.epochs)
    checkpoint.finishBatch(
      gradient: gradient, schedule: factor, loss: sums.loss, weight: sums.weight)
    guard checkpoint.batch == batchesPerEpoch else { return nil }
    return try finishEpoch(learningRate: settings.optimiser.learningRate * factor)
  }

  private func finishEpoch(learningRate: Double) throws(LearningError) -> EpochSummary {
    var summary = EpochSummary(
      epoch: checkpoint.epoch + 1, steps: checkpoint.optimiser.steps,
      trainingLoss: checkpoint.epochLoss / checkpoint.epochWeight, heldOutLoss: nil,
      learningRate: learningRate, isBest: true)
    if let heldOut {
      let sums = heldOutPass.run(
        checkpoint.network, loss, heldOut, rows: heldOutRows[...], threads: threads)
      let mean = sums.loss / sums.weight
      guard mean.isFinite else {
        throw LearningError(
          .diverged, at: "epoch \(summary.epoch)", "the held-out loss is \(mean)",
          advice: "lower the learning rate, or clip the gradient")
      }
      summary.heldOutLoss = mean
      summary.isBest = checkpoint.best.map { mean < $0.heldOutLoss } ?? true
      if summary.isBest {
        checkpoint.best = .init(heldOutLoss: mean, parameters: checkpoint.network.parameters)
        checkpoint.staleEpochs = 0
      } else {
        checkpoint.staleEpochs += 1
      }
    }
    checkpoint.history.append(summary)
    checkpoint.epoch += 1
    (checkpoint.batch, checkpoint.epochLoss, checkpoint.epochWeight) = (0, 0, 0)
    startEpoch()
    return summary
  }

  private func startEpoch() {
    var random = SeededRandom(checkpoint.settings.seed, UInt64(checkpoint.epoch))
    order = random.permutation(training.count)
  }
}
