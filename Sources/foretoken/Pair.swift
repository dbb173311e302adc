import Decoding
import Transformer

/// A target, perhaps a draft, and what turns text into their tokens and back.
struct Pair {
  let directory: ModelDirectory
  let target: TransformerModel
  let draft: TransformerModel?

  /// Loads both models on one team of workers; they never run at the same time.
  ///
  /// - Throws: `ModelError`; `mismatch` when the draft's tokens are not the target's.
  init(_ options: ModelOptions, speculating: Bool) throws {
    directory = try ModelDirectory(path: options.targetPath)
    let team = try WorkerTeam(threads: options.threadCount)
    var draftDirectory: ModelDirectory?
    if speculating, let path = options.draftPath {
      let found = try ModelDirectory(path: path)
      try Pair.check(draft: found, against: directory)
      draftDirectory = found
    }
    target = try directory.load(team, options)
    draft = try draftDirectory?.load(team, options)
  }

  private static func check(draft: ModelDirectory, against target: ModelDirectory) throws {
    let advice = "a draft must have the target's tokenizer"
    if let difference = target.tokenizer.firstDifference(from: draft.tokenizer) {
      throw ModelError(
        .mismatch, path: draft.path, place: "tokenizer", problem: "\(difference)", advice: advice)
    }
    let sizes = (target.configuration.vocabularySize, draft.configuration.vocabularySize)
    guard sizes.0 == sizes.1 else {
      throw ModelError(
        .mismatch, path: draft.path, place: "vocab_size",
        problem: "expected the target's \(sizes.0), found \(sizes.1)", advice: advice)
    }
  }

  /// Starts a request; without a draft, or with `draftTokens` 0, it decodes plainly.
  func generation(
    _ prompt: [TokenID], _ options: GenerationOptions, draftTokens: Int
  ) throws -> Generation {
    var drafter: ModelDrafter?
    if let draft, draftTokens > 0 {
      drafter = try ModelDrafter(model: draft, options: options.sampling)
    }
    return try Generation(
      target: target, prompt: prompt, options: options, drafter: drafter,
      policy: FixedDraftLength(draftTokens))
  }
}

extension ModelDirectory {
  /// Loads the weights, with a progress bar where somebody is watching and it takes long enough.
  fileprivate func load(_ team: WorkerTeam, _ options: ModelOptions) throws -> TransformerModel {
    let bar = options.noProgress ? nil : ProgressBar(label: "loading \(path)")
    defer { bar?.finish() }
    return try loadModel(type: options.dtype, team: team) { done, total in
      bar?.update(done: done, total: total)
    }
  }

  /// A prompt's tokens: a user's turn of the model's chat format, or the text as it is.
  func tokens(prompt: String, raw: Bool) throws -> [TokenID] {
    try tokens(messages: [ChatMessage(role: "user", content: prompt)], raw: raw ? prompt : nil)
  }

  /// The tokens of a conversation up to where the assistant answers; `raw` text goes as it is.
  func tokens(messages: [ChatMessage], raw: String? = nil) throws -> [TokenID] {
    if let raw { return tokenizer.encode(raw, addSpecialTokens: true) }
    guard let chatTemplate else {
      throw ModelError(
        .unsupported, path: path, place: "chat_template",
        problem: "the model has no chat format that is known", advice: "use --raw")
    }
    return try chatTemplate.tokens(messages, tokenizer: tokenizer)
  }
}
