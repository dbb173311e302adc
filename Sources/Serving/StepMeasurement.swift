package import Decoding
package import Workload

/// Measures steps of continuous batching on this machine: requests of many lengths through the
/// scheduler and the model, in batches of every size up to a limit, with short and long chunks.
package struct StepMeasurement {
  /// Requests at a time and tokens a step, run by run: each fills its batch twice.
  package var limits = [
    (1, 64), (2, 2048), (3, 128), (4, 32), (6, 512), (8, 2048), (12, 256), (16, 2048),
  ]
  /// All runs, so many times: what slows the machine down for a moment slows no size alone.
  package var rounds = 2
  /// Longest prompt, and longest answer.
  package var longestInput = 512
  package var longestOutput = 40
  package var seed: UInt64 = 1

  package init() {}

  /// - Parameter progress: runs done, of how many.
  package func run(
    target: any LanguageModel, progress: ((_ done: Int, _ total: Int) -> Void)? = nil
  ) throws -> [StepTimeModel.MeasuredStep] {
    var steps: [StepTimeModel.MeasuredStep] = []
    let decoder = SpeculativeDecoder(target: target)
    let runs = Array(repeatElement(limits, count: rounds).joined())
    for (index, (running, budget)) in runs.enumerated() {
      progress?(index, runs.count)
      var configuration = SchedulerConfiguration()
      configuration.maximumRunning = running
      configuration.tokenBudget = budget
      let requests = drawn(2 * running + 2, run: index, context: target.contextLength)
      var live = try LiveRun(
        Scheduler(configuration), source: ListedRequests(requests),
        engine: ModelEngine(decoder: decoder, seed: seed), observer: MeasuredSteps())
      try live.run()
      steps += live.observer.steps
    }
    progress?(runs.count, runs.count)
    return steps
  }

  /// All come at once; prompts of every order of length, as many short ones as long ones.
  private func drawn(_ count: Int, run: Int, context: Int) -> [Request] {
    var random = RandomSource(seed: seed, item: run)
    let longest = max(2, min(longestInput, context * 3 / 4))
    let output = max(2, min(longestOutput, context - longest))
    return (0..<count).map { id in
      let octaves = Int.bitWidth - longest.leadingZeroBitCount
      let input = longest >> Int.random(in: 0..<octaves, using: &random)
      return Request(
        id: id, arrival: .zero,
        inputLength: Int.random(in: max(1, input / 2)...input, using: &random),
        outputLength: Int.random(in: max(2, output / 2)...output, using: &random))
    }
  }
}

/// Keeps the shape and the time of every step without drafts. What the engine does between two
/// steps belongs to the first.
package struct MeasuredSteps: SimulationObserver {
  package private(set) var steps: [StepTimeModel.MeasuredStep] = []
  /// When the last step ended, if it is the last of `steps`.
  private var end: Time?

  /// A longer pause is one for want of requests.
  private static let longestPause = Time(milliseconds: 1)

  package init() {}

  package mutating func observe(_ run: StepRun) {
    if let end, run.start - end < Self.longestPause {
      steps[steps.count - 1].seconds += (run.start - end).seconds
    }
    end = run.drafted == 0 ? run.end : nil
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
