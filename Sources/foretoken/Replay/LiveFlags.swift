import ArgumentParser
import Decoding
import Serving
import Transformer
import Workload

/// The real engine in the place of the virtual clock, and what it is asked.
struct LiveFlags: ParsableArguments {
  @Flag(
    help: """
      Run the target in real time instead of a virtual clock; with --speculate the draft proposes \
      so many tokens for each decode, or with 'best' as many as by the step times of --calibration \
      bring most.
      """)
  var live = false
  @Option(
    help: ArgumentHelp(
      "Prompts for the trace's arrivals, JSON lines as \"report\" takes them: with --live "
        + "and --endpoint answers end where the model ends them. Without, prompts are drawn, and "
        + "lengths are the trace's.",
      valueName: "file"), completion: .file())
  var prompts: String?
  @Flag(help: "Give the model the prompts' texts as they are, without its chat format.")
  var raw = false
  @Option(
    help: ArgumentHelp(
      "Renew predictions with --live, when a prompt has been read and every "
        + "\(StateForecasts.interval) tokens: a file of \"lengths train --states\".",
      valueName: "file"), completion: .file())
  var statePredictor: String?
  @Option(help: "Of the answers to --prompts; 0 takes the most likely token.")
  var temperature = 0.0
  @Option(help: "Keep the k most likely tokens; 0 keeps all.")
  var topK = 0

  func validate() throws {
    if statePredictor != nil, !live || prompts == nil {
      throw ValidationError("--state-predictor is for --live with --prompts")
    }
    do { try sampling(seed: 0).validate() } catch { throw ValidationError("\(error)") }
  }

  func sampling(seed: UInt64) -> SamplingOptions {
    SamplingOptions(temperature: temperature, topK: topK, seed: seed)
  }

  /// What predictors of lengths are told.
  var decoding: DecodingSettings {
    DecodingSettings(topK: topK, topP: 1, temperature: temperature)
  }

  /// The texts of `--prompts`; nil without.
  func texts() throws -> [String]? {
    try prompts.map { try PromptFile.read(path: $0, limit: nil).map(\.text) }
  }
}

/// Models at work for `--live`, run after run.
struct LiveModels {
  let flags: LiveFlags
  let pair: Pair
  let seed: UInt64
  /// Of `--prompts`; nil where prompts are drawn.
  private let prompts: [[TokenID]]?
  private let forecasts: StateForecasts?

  /// - Throws: `CommandError` for a prompt that the target's context does not hold.
  init(_ flags: LiveFlags, texts: [String]?, pair: Pair, seed: UInt64) throws {
    self.flags = flags
    self.pair = pair
    self.seed = seed
    forecasts = try flags.statePredictor.map { path in
      let model = try StateLengthFile.read(path)
      guard model.width == pair.target.hiddenSize else {
        throw ModelError(
          .mismatch, path: path,
          problem: "reads states of \(model.width) numbers, the target's have "
            + "\(pair.target.hiddenSize)")
      }
      return StateForecasts(model)
    }
    prompts = try texts?.enumerated().map { index, text in
      let tokens = try pair.directory.tokens(prompt: text, raw: flags.raw)
      guard 1..<pair.target.contextLength ~= tokens.count else {
        throw CommandError(
          Failure.badData,
          "\(flags.prompts?.printable ?? ""): prompt \(index + 1) has \(tokens.count) tokens, the "
            + "target's context takes 1 to \(pair.target.contextLength - 1)")
      }
      return tokens
    }
  }

  private func prompt(of request: Workload.Request) -> [TokenID]? {
    prompts.flatMap { $0.isEmpty ? nil : $0[request.id % $0.count] }
  }

  /// The requests as they are asked here: with the lengths of their prompts.
  func asked(_ requests: [Workload.Request]) -> [Workload.Request] {
    requests.map { request in
      var request = request
      if let prompt = prompt(of: request) { request.inputLength = prompt.count }
      return request
    }
  }

  /// A fresh engine; its clock begins now.
  ///
  /// - Parameters:
  ///   - drafts: tokens that the draft proposes for each decode of a step; nil for none.
  ///   - limit: the most tokens of an answer to a prompt of `--prompts`.
  /// - Throws: `CommandError` for drafts without a draft model.
  func engine(drafts: ((StepShape) -> Int)?, limit: Int) throws -> ModelEngine {
    guard drafts == nil || pair.draft != nil else {
      throw CommandError(
        Failure.usage, "--speculate with --live takes a draft: name one with --draft-model")
    }
    let drafter: () throws -> (any Drafter)? = { drafts == nil ? nil : try pair.drafter() }
    guard prompts != nil else {
      return ModelEngine(decoder: pair.decoder, seed: seed, drafts: drafts, drafter: drafter)
    }
    let ends = pair.directory.endOfSequence
    let interval = forecasts == nil ? nil : StateForecasts.interval
    let sampling = flags.sampling(seed: seed)
    return ModelEngine(decoder: pair.decoder, forecasts: forecasts, drafts: drafts) { request in
      try Generation(
        target: pair.target, prompt: prompt(of: request) ?? [],
        options: GenerationOptions(
          sampling: sampling, maxTokens: limit, endOfSequence: ends,
          request: UInt64(request.id), stateInterval: interval), drafter: drafter())
    }
  }
}
