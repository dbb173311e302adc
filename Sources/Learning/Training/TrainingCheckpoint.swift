/// A run in the middle: what must be kept to go on as if nothing had happened.
package struct TrainingCheckpoint: Codable, Equatable, Sendable {
  package internal(set) var settings: TrainingSettings
  package internal(set) var network: DenseNetwork
  var optimiser: AdamW
  /// Whole epochs behind us, and minibatches of the present one.
  var epoch = 0
  var batch = 0
  /// Sums over the present epoch's minibatches.
  var epochLoss = 0.0
  var epochWeight = 0.0
  var best: Best?
  /// Epochs since the best one.
  var staleEpochs = 0
  /// One for each whole epoch.
  package internal(set) var history: [EpochSummary] = []

  struct Best: Codable, Equatable, Sendable {
    var heldOutLoss: Double
    var parameters: [Float]
  }

  init(settings: TrainingSettings, network: DenseNetwork) {
    self.settings = settings
    self.network = network
    optimiser = AdamW(settings.optimiser, parameterCount: network.parameters.count)
  }

  /// Moves the parameters by one step and counts the minibatch.
  mutating func finishBatch(gradient: [Float], schedule: Double, loss: Double, weight: Double) {
    optimiser.update(&network.parameters, gradient: gradient, schedule: schedule)
    epochLoss += loss
    epochWeight += weight
    batch += 1
  }

  /// - Throws: `parameters` when the parts are not of one run over so many minibatches an epoch.
  func validate(batches: Int) throws(LearningError) {
    let count = network.parameters.count
    let sizes = [optimiser.firstMoment.count, optimiser.secondMoment.count]
    guard sizes.allSatisfy({ $0 == count }), best.map({ $0.parameters.count == count }) ?? true,
      optimiser.settings == settings.optimiser, history.count == epoch,
      (0..<batches).contains(batch), optimiser.steps == epoch * batches + batch
    else {
      throw LearningError(
        .parameters, at: "checkpoint", "does not fit the run",
        advice: "resume with the samples and the network that it was made with")
    }
  }
}
