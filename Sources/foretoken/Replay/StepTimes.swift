import Decoding
import Serving
import Workload

/// What steps take in the simulator.
struct StepTimes {
  var model: StepTimeModel
  /// Of drafting; nil where it was not measured.
  var drafting: Drafting?

  struct Drafting {
    /// One token for one request: the local engine drafts for one after the other.
    var token: Time
    /// What the first of a step takes beyond that.
    var start: Time
  }

  /// Numbers of tokens at which a step's cost may bend: where kernels and caches change over.
  static let knees = [4, 8, 16, 32, 64, 256]

  init(_ model: StepTimeModel) { self.model = model }

  /// Fitted to a calibration, a log of steps or a log of requests.
  ///
  /// - Parameters:
  ///   - path: `foretoken calibrate`'s file; a run's log (of `--log`); or vLLM's request log, whose
  ///     steps are found by replaying it.
  ///   - engine: the settings with which the request log was made.
  init(fitting path: String, engine: SchedulerConfiguration) throws {
    if path.hasSuffix(".json") {
      self = try StepTimes(fitting: Calibration(contentsOf: path), path)
      return
    }
    var lines = LineSplitter(try FileBytes(path: path), name: path)
    while try lines.advance(), lines.range.isEmpty {}
    let first = String(decoding: lines.bytes[lines.range], as: UTF8.self)
    guard first.contains("\"event\"") else {
      let log = try RequestLog(FileBytes(path: path), name: path)
      model = try RequestLogFit(
        log.observations, configuration: engine, start: RequestLog.start, knees: [64, 256]
      ).model
      return
    }
    var reader = RunLogReader(try FileBytes(path: path), name: path)
    var fold = RunLogFold(MeasuredSteps())
    while let record = try reader.next() { fold.add(record) }
    model = try StepTimeModel.fit(fold.observer.steps, knees: Self.knees)
  }

  init(fitting calibration: Calibration, _ name: String) throws {
    guard let steps = calibration.steps else {
      throw CommandError(
        Failure.badData,
        "\(name.printable): has no batches; \"foretoken calibrate --batches\" measures them")
    }
    model = try StepTimeModel.fit(try steps.map { try $0.measured(name) }, knees: Self.knees)
    let costs = calibration.costs
    drafting = Drafting(
      token: Time(seconds: costs.draftStep.reduce(0, +) / Double(costs.draftStep.count)),
      start: Time(seconds: costs.draftStart))
  }
}

/// A step of a calibration: prefill tokens, the sum of their contexts, decodes, the sum of theirs,
/// and microseconds.
struct CalibratedStep: Codable, Sendable, Equatable {
  var values: [Int]

  init(_ step: StepTimeModel.MeasuredStep) {
    values = [
      step.shape.prefillTokens, step.shape.prefillContext, step.shape.decodes,
      step.shape.decodeContext, Int((step.seconds * 1e6).rounded()),
    ]
  }

  init(from decoder: any Decoder) throws {
    values = try decoder.singleValueContainer().decode([Int].self)
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(values)
  }

  func measured(_ name: String) throws(CommandError) -> StepTimeModel.MeasuredStep {
    guard values.count == 5, values.allSatisfy({ 0...1 << 40 ~= $0 }) else {
      throw CommandError(
        Failure.badData, "\(name.printable): a step is five whole numbers, found \(values)")
    }
    var shape = StepShape()
    shape.prefillTokens = values[0]
    shape.prefillContext = values[1]
    shape.decodes = values[2]
    shape.decodeContext = values[3]
    return .init(shape: shape, seconds: Double(values[4]) * 1e-6)
  }
}
