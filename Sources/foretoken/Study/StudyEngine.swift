import Workload

/// What the settings of a study come to for the simulator.
extension StudyFile {
  func times(_ trace: Trace) throws(WorkloadError) -> StepTimeModel {
    try StepTimeModel(parsing: trace.stepTimes ?? stepTimes ?? "llama2-7b-a100")
  }

  func model(_ entry: Speculation, seed: UInt64) throws(WorkloadError) -> Workload.Speculation {
    let length: Workload.Speculation.DraftLength
    if entry.drafts == "best" {
      length = .best(limit: 8)
    } else if let fixed = Int(entry.drafts) {
      length = .fixed(fixed)
    } else {
      throw WorkloadError(
        .invalidSetting, source: "speculation",
        problem: "drafts '\(entry.drafts)' is neither a number nor 'best'")
    }
    return try Workload.Speculation(
      length, acceptance: entry.acceptance ?? 0.7,
      acceptanceDeviation: entry.acceptanceDeviation ?? 0.15,
      draftStep: Time(milliseconds: entry.draftStep ?? 1), seed: seed)
  }

  func configuration(blocks: Int, lookahead: Int) throws(WorkloadError) -> SchedulerConfiguration {
    var configuration = SchedulerConfiguration()
    configuration.batching = try choice("batching", engine?.batching) ?? .continuous
    configuration.preemption = try choice("preemption", engine?.preemption) ?? .recompute
    configuration.tokenBudget = engine?.maxNumBatchedTokens ?? 2048
    configuration.maximumRunning = engine?.maxNumSeqs ?? 128
    configuration.blockSize = engine?.blockSize ?? 16
    configuration.outputLimit = engine?.maxTokens ?? 4096
    configuration.isPipelined = engine?.asyncScheduling ?? false
    configuration.cachesPrefixes = engine?.prefixCaching ?? false
    configuration.blockCount = blocks
    configuration.lookahead = lookahead
    try configuration.validate()
    return configuration
  }

  private func choice<Kind: RawRepresentable<String> & CaseIterable>(
    _ key: String, _ text: String?
  ) throws(WorkloadError) -> Kind? {
    guard let text else { return nil }
    if let kind = Kind(rawValue: text) { return kind }
    throw WorkloadError(
      .invalidSetting, source: "engine", problem: "\(key) '\(text)' is not known",
      advice: "known are \(Kind.allCases.map(\.rawValue).joined(separator: ", "))")
  }

  /// Who is next and who is admitted, by the name of a policy.
  func policy(
    _ name: String
  ) throws(WorkloadError) -> (ordering: any OrderingPolicy, admission: any AdmissionPolicy) {
    try PolicyTable.policy(
      name, admission: PolicyTable.admission(engine?.admission ?? "on-demand"))
  }

  /// The requests of a trace, as they come at a load of 1.
  ///
  /// - Parameter folder: that relative paths begin in.
  func requests(_ trace: Trace, folder: String) throws -> [Workload.Request] {
    let path = trace.path.hasPrefix("/") ? trace.path : folder + trace.path
    let schema = try trace.format.map { name throws(WorkloadError) in try TraceSchema.named(name) }
    let reader = try TraceReader(FileBytes(path: path), name: path, schema: schema)
    var transform = TraceTransform()
    let from = Time(seconds: max(0, trace.from ?? 0))
    transform.window = from..<max(from, trace.until.map { Time(seconds: $0) } ?? .never)
    transform.limit = trace.limit ?? .max
    transform.longestInput = trace.maxInput ?? .max
    transform.longestOutput = trace.maxOutput ?? .max
    transform.longestTotal = trace.maxTotal ?? .max
    var source = try TransformedRequests(reader, transform)
    let requests = try source.collect()
    guard requests.count > 1 else {
      throw CommandError(Failure.badData, "\(path.printable): gives fewer than two requests")
    }
    return requests
  }

  /// The policies with their predictors, the baseline first; a policy that asks nobody for lengths
  /// is run once.
  func arms() throws(WorkloadError) -> [StudyArm] {
    let first = baseline ?? policies.first
    var arms: [StudyArm] = []
    for policy in policies.filter({ $0 == first }) + policies.filter({ $0 != first }) {
      let (ordering, admission) = try self.policy(policy)
      let asks = ordering.usesPredictions || admission.usesPredictions
      for predictor in predictors {
        let arm = StudyArm(
          policy: policy, predictor: asks ? predictor : "none")
        // A policy that needs lengths and gets none is another one.
        if ordering.usesPredictions, predictor == "none", predictors.count > 1 { continue }
        if !arms.contains(arm) { arms.append(arm) }
      }
    }
    return arms
  }

  /// Every trace, load, cache, speculation and seed: the runs of a scene share their arrivals.
  func scenes() -> [StudyScene] {
    var scenes: [StudyScene] = []
    for trace in traces {
      for blocks in trace.kvBlocks ?? kvBlocks ?? [8192] {
        for load in trace.loads ?? loads ?? [1] {
          for drafts in 0..<(speculation?.count ?? 1) {
            for seed in seeds ?? [0] {
              scenes.append(
                StudyScene(
                  trace: trace.name, kvBlocks: blocks, load: load, speculation: drafts, seed: seed))
            }
          }
        }
      }
    }
    return scenes
  }
}

/// A policy and who predicts for it.
struct StudyArm: Codable, Hashable {
  var policy: String
  var predictor: String

  var name: String { predictor == "none" ? policy : "\(policy) / \(predictor)" }
}

/// What the arms of a comparison have in common.
struct StudyScene: Codable, Hashable {
  var trace: String
  var kvBlocks: Int
  var load: Double
  /// Its place in the study's `speculation`.
  var speculation: Int
  var seed: UInt64

  /// The scene whatever the seed: what a row of a table is about.
  var setting: StudyScene {
    var scene = self
    scene.seed = 0
    return scene
  }
}
