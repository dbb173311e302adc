/// What a run was: the first line of its log.
package struct RunLogHeader: Equatable, Sendable {
  package enum Clock: String, Sendable {
    /// The simulator's.
    case virtual
    /// Steps took the time that they took.
    case wall
  }

  package var policy: String
  package var predictor: String
  package var clock: Clock
  /// Tokens a step.
  package var tokenBudget: Int
  /// Blocks of the cache and tokens in one.
  package var blockCount: Int
  package var blockSize: Int
  /// Of the simulator; for a live run what slowdown is measured against, `StepTimeModel()` where
  /// nothing is known. Its jitter is not kept.
  package var model: StepTimeModel

  package init(
    policy: String, predictor: String, clock: Clock, configuration: SchedulerConfiguration,
    model: StepTimeModel
  ) {
    self.policy = policy
    self.predictor = predictor
    self.clock = clock
    tokenBudget = configuration.tokenBudget
    blockCount = configuration.blockCount
    blockSize = configuration.blockSize
    self.model = model
    self.model.jitter = []
  }

  static let currentVersion = 1

  /// Coefficients of the model by the names of `--step-times`.
  private static var coefficients: [(name: String, path: WritableKeyPath<StepTimeModel, Time>)] {
    [
      ("overhead", \.overhead), ("prefill", \.prefillToken), ("prefill-context", \.prefillContext),
      ("decode", \.decode), ("decode-context", \.decodeContext), ("swap", \.swappedToken),
    ]
  }

  /// The line, without its line feed.
  var line: String {
    let times = Self.coefficients.map { name, path in
      "\"\(name)\":\(model[keyPath: path].picoseconds)"
    }
    let knees = model.knees.map { "[\($0.tokens),\($0.slope.picoseconds)]" }
    return "{\"event\":\"run\",\"version\":\(Self.currentVersion)"
      + ",\"policy\":\(TraceWriter.jsonString(policy))"
      + ",\"predictor\":\(TraceWriter.jsonString(predictor)),\"clock\":\"\(clock.rawValue)\""
      + ",\"token_budget\":\(tokenBudget),\"blocks\":\(blockCount),\"block_size\":\(blockSize)"
      + ",\"step_times_ps\":{\(times.joined(separator: ","))"
      + ",\"knees\":[\(knees.joined(separator: ","))]}}"
  }

  /// - Throws: what is wrong with the line, in words.
  init(parsing bytes: [UInt8]) throws(JSONSyntaxError) {
    let value = try JSONValue(parsing: bytes, in: 0..<bytes.count)
    func wrong(_ problem: String) -> JSONSyntaxError {
      JSONSyntaxError(offset: 0, problem: problem)
    }
    func number(_ key: String, in object: JSONValue) throws(JSONSyntaxError) -> Int {
      guard case .integer(let number)? = object[key] else {
        throw wrong("expected a whole number as \"\(key)\"")
      }
      return number
    }
    func text(_ key: String) throws(JSONSyntaxError) -> String {
      guard case .string(let text)? = value[key] else {
        throw wrong("expected a text as \"\(key)\"")
      }
      return text
    }
    let version = try number("version", in: value)
    guard version == Self.currentVersion else {
      throw wrong("is of version \(version), expected \(Self.currentVersion)")
    }
    policy = try text("policy")
    predictor = try text("predictor")
    guard let clock = Clock(rawValue: try text("clock")) else {
      throw wrong("expected the clock \"virtual\" or \"wall\"")
    }
    self.clock = clock
    tokenBudget = try number("token_budget", in: value)
    blockCount = try number("blocks", in: value)
    blockSize = try number("block_size", in: value)
    guard tokenBudget >= 1, blockCount >= 1, blockSize >= 1 else {
      throw wrong("limits must be at least 1")
    }
    guard let times = value["step_times_ps"] else { throw wrong("has no \"step_times_ps\"") }
    model = StepTimeModel()
    for (name, path) in Self.coefficients {
      model[keyPath: path] = Time(picoseconds: Int64(try number(name, in: times)))
    }
    guard case .array(let knees)? = times["knees"] else { throw wrong("expected \"knees\"") }
    for knee in knees {
      guard case .array(let pair) = knee, pair.count == 2, case .integer(let tokens) = pair[0],
        case .integer(let slope) = pair[1]
      else { throw wrong("expected pairs of whole numbers as \"knees\"") }
      model.knees.append(.init(tokens: tokens, slope: Time(picoseconds: Int64(slope))))
    }
    guard model != StepTimeModel() else { return }
    do throws(WorkloadError) { try model.validate() } catch { throw wrong(error.problem) }
  }
}
