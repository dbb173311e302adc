import ArgumentParser
import FoundationEssentials
import Transformer
import Workload

/// Where the simulator's step times come from.
enum StepTimes {
  /// Numbers of tokens at which a step's cost may bend: where kernels and caches change over.
  static let knees = [8, 16, 64, 256]

  /// From a calibration, a log of steps or a log of requests.
  ///
  /// - Parameters:
  ///   - path: `foretoken calibrate`'s file; a run's log (of `--log`); or vLLM's request log, whose
  ///     steps are found by replaying it.
  ///   - engine: the settings with which the request log was made.
  static func fitted(_ path: String, engine: SchedulerConfiguration) throws -> StepTimeModel {
    if path.hasSuffix(".json") {
      return try fitted(Calibration(contentsOf: path), path)
    }
    var lines = LineSplitter(try TraceFile(path: path), name: path)
    while try lines.advance(), lines.range.isEmpty {}
    let first = String(decoding: lines.bytes[lines.range], as: UTF8.self)
    guard first.contains("\"event\"") else {
      let log = try RequestLog(path: path)
      return try RequestLogFit(
        log.observations, configuration: engine, start: RequestLog.start, knees: [64, 256]
      ).model
    }
    var reader = RunLogReader(try TraceFile(path: path), name: path)
    var fold = RunLogFold(MeasuredSteps())
    while let record = try reader.next() { fold.add(record) }
    return try StepTimeModel.fit(fold.observer.steps, knees: knees)
  }

  static func fitted(_ calibration: Calibration, _ name: String) throws -> StepTimeModel {
    guard let steps = calibration.steps else {
      throw CommandError(
        Failure.badData,
        "\(name.printable): has no batches; \"foretoken calibrate --batches\" measures them")
    }
    return try StepTimeModel.fit(try steps.map { try $0.measured(name) }, knees: knees)
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

/// A server's log of requests, as vLLM's benchmark writes it: one JSON object a line.
struct RequestLog {
  private struct Row: Decodable {
    var input_toks: Int
    var output_toks: Int
    var queued_ts: Double
    var first_token_ts: Double
    var last_token_ts: Double
  }

  let observations: [RequestLogFit.Observation]

  /// Any coefficients of a server's order to begin with.
  static let start = StepTimeModel(
    overhead: 0.02, prefillToken: 5e-5, prefillContext: 1e-9, decode: 5e-5, decodeContext: 5e-8)

  /// - Throws: `WorkloadError` with the line that is wrong.
  init(path: String) throws {
    var lines = LineSplitter(try TraceFile(path: path), name: path)
    var rows: [Row] = []
    let decoder = JSONDecoder()
    while try lines.advance() {
      if lines.range.isEmpty { continue }
      func wrong(_ problem: String) -> WorkloadError {
        WorkloadError(
          .malformed, source: path, line: lines.number, problem: problem,
          advice: "a line has input_toks, output_toks, queued_ts, first_token_ts and "
            + "last_token_ts; or is of a log of \"foretoken replay --log\"")
      }
      guard let row = try? decoder.decode(Row.self, from: Data(lines.bytes[lines.range])) else {
        throw wrong("is no line of a request log")
      }
      let times = [row.queued_ts, row.first_token_ts, row.last_token_ts]
      guard row.input_toks >= 1, row.output_toks >= 1, row.input_toks < 1 << 31,
        row.output_toks < 1 << 31, zip(times, times.dropFirst()).allSatisfy({ $0 <= $1 })
      else { throw wrong("expected tokens, and moments that follow each other") }
      rows.append(row)
    }
    rows.sort { $0.queued_ts < $1.queued_ts }
    let zero = rows.first?.queued_ts ?? 0
    observations = rows.enumerated().map { index, row in
      RequestLogFit.Observation(
        request: Request(
          id: index, arrival: Time(seconds: row.queued_ts - zero), inputLength: row.input_toks,
          outputLength: row.output_toks),
        firstToken: Time(seconds: row.first_token_ts - zero),
        lastToken: Time(seconds: row.last_token_ts - zero))
    }
  }
}
