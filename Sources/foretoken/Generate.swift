import ArgumentParser
import Decoding
import FoundationEssentials
import Transformer

/// Streams the answer to a prompt; requests as JSON lines; a conversation on a terminal.
struct Generate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Stream an answer to a prompt from stdin, a flag, a file, or JSON lines.",
    discussion: """
      Generated text goes to stdout as it is decided, everything else to stderr. Without a prompt \
      and with a terminal on stdin, a conversation begins (end it with Ctrl-D).

      Exit codes: 0 done; 64 usage; 65 bad input or model; 66 missing file; 70 out of memory; \
      74 input/output; 130 ended by Ctrl-C.
      """)

  @OptionGroup(title: "Models") var model: ModelOptions
  @OptionGroup(title: "Sampling") var sampling: SamplingFlags
  @OptionGroup(title: "Speculation") var speculation: SpeculationFlags

  @Argument(help: "The prompt; - reads stdin.")
  var text: String?
  @Option(name: .shortAndLong, help: "The prompt; - reads stdin.")
  var prompt: String?
  @Option(name: [.long, .customShort("f")], help: "A file with the prompt.")
  var promptFile: String?
  @Flag(help: "Requests from stdin, a JSON object a line; events to stdout, a JSON object a line.")
  var jsonl = false
  @Flag(help: "The prompt as it is, without the model's chat format.")
  var raw = false
  @Flag(help: "Print the whole result as one JSON object instead of streaming text.")
  var json = false
  @Flag(help: "Print statistics to stderr at the end.")
  var stats = false
  @Option(help: "When to colour: auto, always or never.")
  var color = ColorMode.auto

  func validate() throws {
    let given = [text != nil, prompt != nil, promptFile != nil, jsonl].filter { $0 }.count
    if given > 1 {
      throw ValidationError("give one of PROMPT, --prompt, --prompt-file and --jsonl")
    }
    if speculation.showDrafts, json || jsonl {
      throw ValidationError("--show-drafts colours text; it does not go with JSON")
    }
  }

  func run() async throws {
    try Failure.reported {
      StandardOutput.ignoreBrokenPipes()
      Interrupt.watch()
      let isConversation =
        !jsonl && text == nil && prompt == nil && promptFile == nil && Terminal.inputIsTerminal
      // What the user typed is read before anything large is loaded.
      let promptText = jsonl || isConversation ? "" : try readPrompt()
      let pair = try Pair(model, speculating: !speculation.noSpeculation)
      if jsonl {
        try RequestLines(pair: pair, flags: self).run()
      } else if isConversation {
        try Conversation(pair: pair, flags: self).run()
      } else {
        try answer(promptText, pair)
      }
    }
  }

  /// How many tokens to draft: 0 decodes plainly.
  var draftTokens: Int { speculation.noSpeculation ? 0 : speculation.draftTokens }

  private func answer(_ promptText: String, _ pair: Pair) throws {
    let tokens = try pair.directory.tokens(prompt: promptText, raw: raw)
    let seed = sampling.seed ?? .random(in: 0..<(1 << 53))
    let answer = try Answer(pair: pair, prompt: tokens, flags: self, seed: seed)
    if json {
      let result = try answer.run { _ in }
      try StandardOutput.write(try result.jsonText() + "\n")
    } else {
      let painter = Painter(speculation, color)
      painter.printLegend()
      let result = try answer.run { piece in try StandardOutput.write(painter.paint(piece)) }
      if Terminal.outputIsTerminal || !result.text.hasSuffix("\n") { try StandardOutput.write("\n") }
    }
    if stats {
      if sampling.seed == nil, sampling.temperature > 0 {
        StandardOutput.writeError("seed: \(seed)\n")
      }
      StandardOutput.writeError(answer.statistics.summary)
    }
    if Interrupt.isRequested {
      if !stats { StandardOutput.writeError(answer.statistics.summary) }
      throw ExitCode(Interrupt.exitCode)
    }
  }

  /// The prompt, from wherever it was given.
  ///
  /// - Throws: `malformed` for text that is empty or not UTF-8, `missing` for a file that is not
  ///   there.
  private func readPrompt() throws -> String {
    if let given = text ?? prompt, given != "-" {
      return try checked(given, source: "prompt")
    }
    if let promptFile {
      guard FileManager.default.fileExists(atPath: promptFile) else {
        throw ModelError(.missing, path: promptFile, problem: "there is no such file")
      }
      do {
        return try decoded(Data(contentsOf: URL(filePath: promptFile)), source: promptFile)
      } catch let error as CocoaError {
        throw ModelError(.inputOutput, path: promptFile, problem: "cannot be read: \(error)")
      }
    }
    return try decoded(StandardInput.readToEnd(), source: "stdin")
  }

  private func decoded(_ data: Data, source: String) throws -> String {
    guard let text = String(validating: data, as: UTF8.self) else {
      throw ModelError(
        .malformed, path: source, place: "byte \(StandardInput.firstInvalidByte(data))",
        problem: "is not UTF-8")
    }
    return try checked(text, source: source)
  }

  private func checked(_ text: String, source: String) throws -> String {
    guard text.contains(where: { !$0.isWhitespace }) else {
      throw ModelError(.malformed, path: source, problem: "the prompt is empty")
    }
    // A pipe's last newline belongs to the pipe.
    return text.hasSuffix("\n") ? String(text.dropLast()) : text
  }
}
