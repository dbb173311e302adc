import Decoding
import Reporting
import Transformer
import Workload

/// The models of a report, and what it wants to know of them.
struct ReportPair {
  private let pair: Pair
  private let verbosity: VerbosityFlags
  /// The draft's trained heads; nil where there are none.
  let heads: HeadFile?

  /// Loads the target, and the draft if a policy needs it.
  ///
  /// - Parameter heads: their file; nil for the one in the draft's folder.
  /// - Throws: `ModelError`; `CommandError` when a policy needs a draft and there is none.
  init(
    _ options: ModelOptions, policies: [PolicyChoice], heads: String?, randomDraft: Bool,
    _ verbosity: VerbosityFlags
  ) throws {
    let needing = policies.first(where: \.needsDraft)
    if let needing, options.draftPath == nil {
      throw CommandError(
        Failure.usage, "policy \(needing) needs a draft model: name one with --draft-model")
    }
    pair = try Pair(options, drafting: needing != nil, verbosity)
    self.heads = try pair.heads(heads)
    if randomDraft { pair.draft?.weights.fillRandomly(seed: 1) }
    self.verbosity = verbosity
    // One that lacks its head says so before anything is measured.
    for policy in policies where !policy.needsCosts {
      _ = try policy.policy(PolicyResources(trained: self.heads))
    }
  }

  var target: any LanguageModel { pair.target }
  func drafter() throws -> (any Drafter)? { try pair.drafter() }
  var endOfSequence: Set<TokenID> { pair.directory.endOfSequence }

  /// A prompt and its tokens.
  struct Question {
    var prompt: ReportPrompt
    var tokens: [TokenID]
  }

  /// The prompts as the model reads them; those that leave no room for an answer are left out.
  ///
  /// - Throws: `ModelError` without a chat format; `CommandError` when no prompt is left.
  func tokens(_ prompts: [Prompt], _ settings: ReportSettings) throws -> [Question] {
    let room = min(pair.target.contextLength, pair.draft?.contextLength ?? .max)
    let questions = try prompts.map { prompt in
      let tokens = try pair.directory.tokens(prompt: prompt.text, raw: settings.isRaw)
      return Question(
        prompt: ReportPrompt(set: prompt.set, id: prompt.id, tokens: tokens.count), tokens: tokens)
    }
    let fitting = questions.filter { $0.tokens.count < room }
    if fitting.count < questions.count {
      verbosity.say(
        "\(questions.count - fitting.count) of \(questions.count) prompts are left out: the "
          + "context holds \(room) tokens")
    }
    guard !fitting.isEmpty else {
      throw CommandError(Failure.badData, "no prompt fits the context of \(room) tokens")
    }
    return fitting
  }

  /// What steps cost here, where a policy asks for it: from a file, from one that was kept and
  /// holds, or measured and kept.
  func costs(_ policies: [PolicyChoice], file: String?) throws -> CostModel? {
    guard policies.contains(where: \.needsCosts), pair.draft != nil else { return nil }
    let store = try CalibrationStore(pair, verbosity)
    if let file { return try store.read(file).costs }
    if let kept = store.fresh(orBrief: false) { return kept.costs }
    let calibration = try store.measure(CostMeasurement(), heads: heads?.heads)
    store.keep(calibration)
    return calibration.costs
  }

  func targetFacts() throws -> ModelFacts { try facts(pair.target, pair.directory) }

  func draftFacts() throws -> ModelFacts? {
    guard let draft = pair.draft, let directory = pair.draftDirectory else { return nil }
    return try facts(draft, directory)
  }

  private func facts(_ model: TransformerModel, _ directory: ModelDirectory) throws -> ModelFacts {
    ModelFacts(
      path: directory.path, parameters: model.configuration.parameterCount,
      dtype: model.weights.type.rawValue,
      sha256: try directory.checkpoint.files.map { try Self.sha256($0.path) }.joined(separator: ",")
    )
  }

  /// What `sha256sum` says of a file.
  private static func sha256(_ path: String) throws -> String {
    let file = try InputFile(path: path)
    return SHA256.hexadecimal(try file.bytes(at: 0, count: file.size))
  }
}
