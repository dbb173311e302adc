/// How to train: everything but the data that decides the result.
package struct TrainingSettings: Codable, Equatable, Sendable {
  package var epochs: Int
  package var batchSize: Int
  package var optimiser: AdamW.Settings
  package var schedule: LearningRateSchedule
  /// The norm to which the gradient is clipped, if it is.
  package var gradientNorm: Double?
  /// Stop after so many epochs in a row without a better held-out loss.
  package var patience: Int?
  /// Of the order in which rows are seen.
  package var seed: UInt64

  package init(
    epochs: Int = 10, batchSize: Int = 256, optimiser: AdamW.Settings = .init(),
    schedule: LearningRateSchedule = .cosine(), gradientNorm: Double? = 1, patience: Int? = nil,
    seed: UInt64 = 0
  ) {
    self.epochs = epochs
    self.batchSize = batchSize
    self.optimiser = optimiser
    self.schedule = schedule
    self.gradientNorm = gradientNorm
    self.patience = patience
    self.seed = seed
  }

  /// - Throws: `setting`.
  func validate() throws(LearningError) {
    try optimiser.validate()
    let problem: String? =
      if epochs < 1 { "\(epochs) epochs" } else if batchSize < 1 {
        "a batch of \(batchSize) rows"
      } else if let gradientNorm, !(gradientNorm > 0) {
        "a gradient norm of \(gradientNorm)"
      } else if let patience, patience < 1 {
        "a patience of \(patience) epochs"
      } else if case .cosine(let warmup) = schedule, !(0...1).contains(warmup) {
        "a warm-up of \(warmup) of the steps"
      } else { nil }
    if let problem { throw LearningError(.setting, at: "training", "cannot run with \(problem)") }
  }
}

/// What one pass over the training rows did.
package struct EpochSummary: Codable, Equatable, Sendable {
  /// From 1.
  package var epoch: Int
  /// Updates since the start of the run.
  package var steps: Int
  /// The mean over the epoch, each minibatch scored before its own update.
  package var trainingLoss: Double
  package var heldOutLoss: Double?
  /// Of the epoch's last step.
  package var learningRate: Double
  /// Whether no earlier epoch had a lower held-out loss (without held-out rows: always).
  package var isBest: Bool
}
