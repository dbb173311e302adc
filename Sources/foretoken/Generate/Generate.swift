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

      --jsonl reads an object a line: "prompt" or "messages", and where they differ from the flags \
      "max_tokens", "temperature", "top_k", "top_p", "min_p", "repetition_penalty", \
      "presence_penalty", "frequency_penalty", "seed", "stop", "ignore_eos", "draft_policy", \
      "draft_tokens", "raw"; an "id" comes back. It writes events, an object a line: {"event": "text", "line", "id", \
      "text"} as text is decided, then "result" with the whole "text", "tokens", "finish_reason" \
      (stop, length, abort), "usage" and "timings"; "error" instead for a line that is wrong.

      Policies; +lookup behind one lets repeated text propose first. Greedy text is the same with all \
      of them. With a temperature its law is the same; which text a seed gives depends on the policy \
      (for cost-aware also on what steps cost here), unless --verification is coupled.
      \(PolicyChoice.help)

      Exit codes: 0 done; 64 usage; 65 bad input or model (some of the lines, with --jsonl); \
      66 missing file; 70 out of memory; 74 input/output; 130 ended by Ctrl-C. A closed pipe ends \
      quietly.
      """)

  @OptionGroup(title: "Prompt") var input: PromptOptions
  @OptionGroup(title: "Models") var model: ModelOptions
  @OptionGroup(title: "Sampling") var sampling: SamplingFlags
  @OptionGroup(title: "Speculation") var speculation: SpeculationFlags
  @OptionGroup(title: "Output") var output: OutputFlags

  func validate() throws {
    if speculation.showDrafts, output.json || input.jsonl {
      throw ValidationError("--show-drafts colours text; it does not go with JSON")
    }
  }

  func run() throws {
    try Failure.reported {
      StandardOutput.ignoreBrokenPipes()
      Interrupt.watch()
      // What the person gave is read before anything large is.
      let source = try input.read()
      if case .conversation = source, output.json || input.raw {
        throw CommandError(Failure.usage, "--json and --raw need a prompt")
      }
      if let named = speculation.draftPolicy, named.needsDraft, model.draftPath == nil {
        throw CommandError(
          Failure.usage, "policy \(named) needs a draft model: name one with --draft-model")
      }
      let drafting = speculation.choice.needsDraft || input.jsonl && !speculation.noSpeculation
      let pair = try Pair(model, drafting: drafting, output.verbosity)
      let engine = try SpeculativeEngine(pair, speculation, output.verbosity)
      Interrupt.endAfterRound()
      switch source {
      case .text(let prompt):
        try answer(prompt, engine)
      case .lines:
        var lines = RequestLines(engine, self)
        let result = Result { try lines.run() }
        if output.stats || Interrupt.isRequested { output.say(lines.summary) }
        try result.get()
      case .conversation:
        var conversation = Conversation(engine, self, painter(pair))
        try conversation.run()
      }
      if Interrupt.isRequested { throw ExitCode(Interrupt.status) }
    }
  }

  private func answer(_ prompt: String, _ engine: SpeculativeEngine) throws {
    let pair = engine.pair
    let tokens = try pair.directory.tokens(prompt: prompt, raw: input.raw)
    let request = request(prompt: tokens, seed: seedOrRandom(), pair.directory)
    let answer: Answer
    if output.json {
      answer = try engine.answer(request) { _ in }
      try StandardOutput.write(AnswerObject(answer, request, engine).jsonLine())
    } else {
      let painter = painter(pair)
      answer = try engine.answer(request) { try StandardOutput.write(painter.paint($0)) }
      if !answer.text.hasSuffix("\n") { try StandardOutput.write("\n") }
    }
    if output.stats || Interrupt.isRequested {
      output.say(Summary(engine, [answer]))
    }
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
      stop: sampling.stop, policy: speculation.choice)
  }

  /// The seed; one that nobody gave is told where it matters.
  func seedOrRandom() -> UInt64 {
    if let seed = sampling.seed { return seed }
    let seed = SamplingFlags.randomSeed
    if sampling.temperature > 0, !output.json { output.say("seed: \(seed)") }
    return seed
  }

  /// How text is shown; says what the colours mean, or why there are none.
  private func painter(_ pair: Pair) -> Painter {
    let colours = output.color.colours(isTerminal: StandardOutput.isTerminal)
    let painter = Painter(
      marksDrafts: speculation.showDrafts && colours, showsRejected: output.verbosity.verbose,
      isForTerminal: StandardOutput.isTerminal)
    guard speculation.showDrafts else { return painter }
    if pair.draft == nil {
      output.say("--show-drafts: nothing is drafted, every token is the target's own")
    } else if colours {
      output.say(
        painter.legend(coloured: output.color.colours(isTerminal: StandardError.isTerminal)))
    } else {
      output.say("--show-drafts: no colours here; --color always forces them")
    }
    return painter
  }
}
