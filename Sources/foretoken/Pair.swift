import Decoding
import Transformer

/// A target, perhaps a draft, and what turns text into their tokens and back.
struct Pair {
  let directory: ModelDirectory
  let target: TransformerModel
  let draft: TransformerModel?
  /// Nil without a draft.
  let draftDirectory: ModelDirectory?
  /// The draft as a model of the target's vocabulary size.
  let fittedDraft: (any LanguageModel)?
  /// The first token that is not the same to both, where text must be translated between them.
  let difference: TokenDifference?
  let decoder: SpeculativeDecoder
  let threads: Int

  /// Loads both models on one team of workers; they never run at the same time.
  ///
  /// Says so where the draft's tokens are not the target's.
  ///
  /// - Throws: `ModelError`.
  init(_ options: ModelOptions, drafting: Bool, _ verbosity: VerbosityFlags) throws {
    var directory = try ModelDirectory(path: options.targetPath)
    if let name = options.chatTemplate { try directory.useChatFormat(name) }
    // Both folders are looked at before anything large is read.
    var draftDirectory =
      drafting ? try options.draftPath.map(ModelDirectory.init(path:)) : nil
    if let window = options.attentionWindow {
      try directory.stream(window: window)
      try draftDirectory?.stream(window: window)
    }
    self.directory = directory
    difference = draftDirectory.flatMap { [tokenizer = directory.tokenizer] in
      tokenizer.firstDifference(from: $0.tokenizer)
    }
    if let difference {
      verbosity.say(
        "draft: \(difference): the text is translated between the two, which costs time and "
          + "candidates")
    }
    let team = try WorkerTeam(threads: options.threads.count)
    target = try directory.load("target", options.dtype, team, options, verbosity)
    self.draftDirectory = draftDirectory
    draft = try draftDirectory?.load(
      "draft", options.draftType, team, options, verbosity)
    let size = target.vocabularySize
    fittedDraft = draft.map { (draft) -> any LanguageModel in
      draft.vocabularySize == size ? draft : FittedModel(draft, vocabularySize: size)
    }
    decoder = SpeculativeDecoder(target: target)
    threads = options.threads.count
  }

  /// A drafter of the draft model for one request; nil without a draft.
  ///
  /// - Throws: what the model throws when it cannot open a sequence.
  func drafter() throws -> (any Drafter)? {
    guard let draft, let fittedDraft, let draftDirectory else { return nil }
    guard difference != nil else { return try ModelDrafter(model: fittedDraft) }
    return try TranslatingDrafter(
      model: draft, own: draftDirectory.tokenizer, target: directory.tokenizer,
      ends: draftDirectory.endOfSequence)
  }

  /// - Throws: `mismatch` naming the first token on which draft and target disagree.
  func requireSharedTokens(for purpose: String) throws(ModelError) {
    guard let difference, let draftDirectory else { return }
    throw ModelError(
      .mismatch, path: draftDirectory.path, place: "tokenizer", problem: "\(difference)",
      advice: "\(purpose) need a draft with the target's tokenizer")
  }

  /// The draft's trained heads; nil where there are none, or where tokens are translated.
  ///
  /// - Parameter path: their file; nil for the one in the draft's folder.
  /// - Throws: `ModelError` for a file that is not there or is for another draft.
  func heads(_ path: String?) throws(ModelError) -> HeadFile? {
    if path != nil { try requireSharedTokens(for: "heads") }
    guard let draft, let directory = draftDirectory, difference == nil else { return nil }
    guard let path = path ?? Head.file(beside: directory.path) else { return nil }
    return try HeadFile(contentsOf: path, hiddenSize: draft.hiddenSize)
  }
}

extension ModelDirectory {
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
