package import Decoding
package import Workload

/// Measures steps of continuous batching on this machine: requests of many lengths through the
/// scheduler and the model, alone, a few at a time and many at a time, with short and long chunks.
package struct StepMeasurement {
  /// Requests of each of the runs.
  package var requests = 16
  /// Longest prompt and longest answer.
  package var longestInput = 512
  package var longestOutput = 48
  package var seed: UInt64 = 1
  /// Requests at a time and tokens a step, run by run.
  package var limits = [(1, 64), (2, 128), (4, 32), (6, 512), (12, 256), (16, 2048)]

  package init() {}

  /// - Parameter progress: runs done, of how many.
  package func run(
    target: any LanguageModel, progress: ((_ done: Int, _ total: Int) -> Void)? = nil
  ) throws -> [StepTimeModel.MeasuredStep] {
    var steps: [StepTimeModel.MeasuredStep] = []
    let decoder = SpeculativeDecoder(target: target)
    for (index, (running, budget)) in limits.enumerated() {
      progress?(index, limits.count)
      var configuration = SchedulerConfiguration()
      configuration.maximumRunning = running
      configuration.tokenBudget = budget
      var live = try LiveRun(
        Scheduler(configuration), source: ListedRequests(drawn(index, target.contextLength)),
        engine: ModelEngine(decoder: decoder, seed: seed), observer: MeasuredSteps())
      try live.run()
      steps += live.observer.steps
    }
    progress?(limits.count, limits.count)
    return steps
  }

  /// All come at once, in every length up to the limits.
  private func drawn(_ run: Int, _ context: Int) -> [Request] {
    var random = RandomSource(seed: seed, item: run)
    let longest = max(2, min(longestInput, context * 3 / 4))
    return (0..<requests).map { id in
      Request(
        id: id, arrival: .zero, inputLength: Int.random(in: 1...longest, using: &random),
        outputLength: Int.random(
          in: 2...max(2, min(longestOutput, context - longest)), using: &random))
    }
  }
}

/// Keeps the shape and the time of every step without drafts.
package struct MeasuredSteps: SimulationObserver {
  package private(set) var steps: [StepTimeModel.MeasuredStep] = []

  package init() {}

  package mutating func observe(_ run: StepRun) {
    guard run.drafted == 0 else { return }
    var shape = run.shape
    for index in 0..<run.count {
      steps.append(
        .init(
          shape: shape,
          seconds: SteppedRow(first: run.first, increment: run.increment).duration(index).seconds))
      shape.decodeContext += shape.decodes
    }
  }
}
