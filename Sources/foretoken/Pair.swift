import Decoding
import Transformer

/// A target, perhaps a draft, and what turns text into their tokens and back.
struct Pair {
  let directory: ModelDirectory
  let target: TransformerModel
  let draft: TransformerModel?
  /// Nil without a draft.
  let draftDirectory: ModelDirectory?
  let decoder: SpeculativeDecoder
  let threads: Int

  /// Loads both models on one team of workers; they never run at the same time.
  ///
  /// - Throws: `ModelError`; `mismatch` when the draft's tokens are not the target's.
  init(_ options: ModelOptions, drafting: Bool, _ verbosity: VerbosityFlags) throws {
    var directory = try ModelDirectory(path: options.targetPath)
    if let name = options.chatTemplate { try directory.useChatFormat(name) }
    if let window = options.attentionWindow { try directory.stream(window: window) }
    self.directory = directory
    // Both folders are looked at before anything large is read.
    var draftDirectory: ModelDirectory?
    if drafting, let path = options.draftPath {
      var found = try ModelDirectory(path: path)
      if let window = options.attentionWindow { try found.stream(window: window) }
      try found.checkDraft(of: directory)
      draftDirectory = found
    }
    let team = try WorkerTeam(threads: options.threads.count)
    target = try directory.load("target", options.dtype, team, options, verbosity)
    self.draftDirectory = draftDirectory
    draft = try draftDirectory?.load(
      "draft", options.draftType, team, options, verbosity)
    decoder = SpeculativeDecoder(target: target)
    threads = options.threads.count
  }

  /// The draft's trained heads; nil where there are none.
  ///
  /// - Parameter path: their file; nil for the one in the draft's folder.
  /// - Throws: `ModelError` for a file that is not there or is for another draft.
  func heads(_ path: String?) throws(ModelError) -> HeadFile? {
    guard let draft, let directory = draftDirectory else { return nil }
    guard let path = path ?? Head.file(beside: directory.path) else { return nil }
    return try HeadFile(contentsOf: path, hiddenSize: draft.hiddenSize)
  }
}

extension ModelDirectory {
  /// - Throws: `mismatch` naming the first token that differs.
  fileprivate func checkDraft(of target: ModelDirectory) throws(ModelError) {
    let advice = "a draft must have the target's tokenizer"
    if let difference = target.tokenizer.firstDifference(from: tokenizer) {
      throw ModelError(
        .mismatch, path: path, place: "tokenizer", problem: "\(difference)", advice: advice)
    }
    let (expected, found) = (target.configuration.vocabularySize, configuration.vocabularySize)
    guard expected == found else {
      throw ModelError(
        .mismatch, path: path, place: "vocab_size",
        problem: "expected the target's \(expected), found \(found)", advice: advice)
    }
  }

  /// Loads the weights, with a progress bar where somebody is watching and it takes long enough.
  fileprivate func load(
    _ role: String, _ type: WeightType?, _ team: WorkerTeam, _ options: ModelOptions,
    _ verbosity: VerbosityFlags
  ) throws(ModelError) -> TransformerModel {
    let bar =
      options.noProgress || verbosity.quiet ? nil : ProgressBar(label: "loading the \(role)")
    let begin = ContinuousClock.now
    let model = try loadModel(type: type, team: team) { bar?.update(done: $0, total: $1) }
    bar?.finish()
    if verbosity.verbose {
      let millions = Double(configuration.parameterCount) / 1e6
      let seconds = (ContinuousClock.now - begin) / .seconds(1)
      verbosity.say(
        "\(role): \(path), \(threeDigits(millions)) M parameters as \(model.weights.type.rawValue), "
          + "context \(configuration.contextLength), \(team.size) threads, "
          + "loaded in \(seconds.fixed(2)) s")
    }
    return model
  }

  /// A prompt's tokens: a user's turn of the model's chat format, or the text as it is.
  func tokens(prompt: String, raw: Bool) throws(ModelError) -> [TokenID] {
    if raw { return tokenizer.encode(prompt, addSpecialTokens: true) }
    return try tokens(messages: [ChatMessage(role: .user, content: prompt)])
  }

  /// The tokens of a conversation up to where the assistant answers.
  ///
  /// - Throws: `unsupported` when the model has no chat format, or none that we know.
  func tokens(messages: [ChatMessage]) throws(ModelError) -> [TokenID] {
    try chatTemplate.get().tokens(messages, tokenizer: tokenizer)
  }
}
