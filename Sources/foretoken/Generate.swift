import ArgumentParser
import Decoding
import Transformer

/// Streams the answer to a prompt; answers requests as JSON lines; chats on a terminal.
struct Generate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Stream the answer to a prompt from stdin, a flag, a file, or JSON lines.",
    discussion: """
      The answer goes to stdout as it is decided, everything else to stderr. Without a prompt and \
      with a terminal on stdin a conversation begins.

      --jsonl reads an object a line: "prompt" or "messages", and if they differ from the flags \
      "max_tokens", "temperature", "top_k", "top_p", "min_p", "repetition_penalty", \
      "presence_penalty", "frequency_penalty", "seed", "stop", "ignore_eos", "draft_tokens", "raw"; \
      an "id" comes back. It writes events, an object a line: {"event": "text", "line", "id", \
      "text"} as text is decided, then "result" with the whole "text", "tokens", "finish_reason" \
      (stop, length, abort), "usage" and "timings"; "error" instead for a line that is wrong.

      Exit codes: 0 done; 64 usage; 65 bad input or model; 66 missing file; 70 out of memory; \
      74 input/output; 130 ended by Ctrl-C. A closed pipe ends quietly.
      """)

  @Argument(help: "The prompt; - reads stdin.")
  var text: String?
  @Option(name: .shortAndLong, help: "The prompt; - reads stdin.")
  var prompt: String?
  @Option(name: [.long, .customShort("f")], help: "A file with the prompt.")
  var promptFile: String?
  @Flag(help: "Requests from stdin, a JSON object a line; events to stdout, a JSON object a line.")
  var jsonl = false
  @Flag(help: "Give the model the prompt without its chat format.")
  var raw = false
  @Flag(help: "Print the result as a JSON object instead of streaming text.")
  var json = false
  @Flag(help: "Print statistics to stderr at the end.")
  var stats = false
  @Option(help: "When to colour: auto, always or never.")
  var color = ColorMode.auto
  @OptionGroup var verbosity: VerbosityFlags

  @OptionGroup(title: "Models") var model: ModelOptions
  @OptionGroup(title: "Sampling") var sampling: SamplingFlags
  @OptionGroup(title: "Speculation") var speculation: SpeculationFlags

  func validate() throws {
    let given = [text != nil, prompt != nil, promptFile != nil, jsonl].filter { $0 }.count
    if given > 1 {
      throw ValidationError("give one of <text>, --prompt, --prompt-file and --jsonl")
    }
    if speculation.showDrafts, json || jsonl {
      throw ValidationError("--show-drafts colours text; it does not go with JSON")
    }
  }

  func run() throws {
    try Failure.reported {
      StandardOutput.ignoreBrokenPipes()
      Interrupt.watch()
      // What the person gave is read before anything large is.
      let prompt = try promptText()
      let pair = try Pair(model, drafting: speculation.drafts || jsonl, verbosity)
      Interrupt.endAfterRound()
      if let prompt {
        try answer(prompt, pair)
      } else if jsonl {
        try answerLines(pair)
      } else {
        var conversation = Conversation(pair, self, painter(pair))
        try conversation.run()
      }
    }
  }

  /// The prompt of a single answer; nil for JSON lines and for a conversation.
  private func promptText() throws(CommandError) -> String? {
    if jsonl { return nil }
    if let promptFile { return try PromptText.read(from: ByteSource(path: promptFile)) }
    let given = text ?? prompt
    if let given, given != "-" { return try PromptText.checked(given, from: "prompt") }
    if given == nil, ByteSource.standardInputIsTerminal {
      guard !json, !raw else {
        throw CommandError(Failure.usage, "--json and --raw need a prompt")
      }
      return nil
    }
    return try PromptText.read(from: ByteSource())
  }

  private func answer(_ prompt: String, _ pair: Pair) throws {
    let tokens = try pair.directory.tokens(prompt: prompt, raw: raw)
    let request = request(prompt: tokens, seed: seedOrRandom(), pair.directory)
    let answer: Answer
    if json {
      answer = try pair.answer(request) { _ in }
      try StandardOutput.write(AnswerObject(answer, request.options.sampling).jsonLine())
    } else {
      let painter = painter(pair)
      answer = try pair.answer(request) { try StandardOutput.write(painter.paint($0)) }
      if !answer.text.hasSuffix("\n") { try StandardOutput.write("\n") }
    }
    if stats || Interrupt.isRequested { report(answer, pair) }
    if Interrupt.isRequested { throw ExitCode(Interrupt.status) }
  }

  private func answerLines(_ pair: Pair) throws {
    var lines = RequestLines(pair, self)
    let result = Result { try lines.run() }
    if stats || Interrupt.isRequested { report(lines.summary) }
    try result.get()
    if Interrupt.isRequested { throw ExitCode(Interrupt.status) }
  }
}

// MARK: - What the flags mean to one answer

extension Generate {
  /// A request with the settings of the flags.
  func request(prompt: [TokenID], seed: UInt64, _ directory: ModelDirectory) -> Request {
    Request(
      prompt: prompt,
      options: GenerationOptions(
        sampling: sampling.options(seed: seed), maxTokens: sampling.maxTokens,
        endOfSequence: sampling.ignoreEos ? [] : directory.endOfSequence),
      stop: sampling.stop, draftTokens: speculation.noSpeculation ? 0 : speculation.draftTokens)
  }

  /// The seed; one that nobody gave is told where it matters.
  func seedOrRandom() -> UInt64 {
    if let seed = sampling.seed { return seed }
    let seed = SamplingFlags.randomSeed
    if sampling.temperature > 0, !json { verbosity.say("seed: \(seed)") }
    return seed
  }

  /// Prints what an answer took.
  func report(_ answer: Answer, _ pair: Pair) {
    var summary = Summary(drafts: pair.draft != nil)
    summary.add(answer)
    report(summary)
  }

  private func report(_ summary: Summary) {
    for line in summary.lines(verbose: verbosity.verbose) { verbosity.say(line) }
  }

  /// How text is shown; says what the colours mean, or why there are none.
  private func painter(_ pair: Pair) -> Painter {
    let colours = color.colours(isTerminal: StandardOutput.isTerminal)
    let painter = Painter(
      marksDrafts: speculation.showDrafts && colours, showsRejected: verbosity.verbose,
      isForTerminal: StandardOutput.isTerminal)
    if speculation.showDrafts {
      if pair.draft == nil {
        verbosity.say("--show-drafts: there is no draft model, every token is the target's own")
      } else if colours {
        verbosity.say(
          painter.legend(coloured: color.colours(isTerminal: StandardError.isTerminal)))
      } else {
        verbosity.say("--show-drafts: no colours here; --color always forces them")
      }
    }
    return painter
  }
}
