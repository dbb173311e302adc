import ArgumentParser

/// Where prompts come from.
struct PromptOptions: ParsableArguments {
  @Argument(help: "The prompt; - reads stdin.")
  var text: String?
  @Option(
    name: .shortAndLong, parsing: .unconditional,
    help: ArgumentHelp("The prompt; - reads stdin.", valueName: "text"))
  var prompt: String?
  @Option(
    name: [.long, .customShort("f")],
    help: ArgumentHelp("A file with the prompt.", valueName: "file"))
  var promptFile: String?
  @Flag(help: "Requests from stdin, a JSON object a line; events to stdout, a JSON object a line.")
  var jsonl = false
  @Flag(help: "Give the model the prompt without its chat format.")
  var raw = false

  func validate() throws {
    let given = [text != nil, prompt != nil, promptFile != nil, jsonl].filter { $0 }.count
    if given > 1 {
      throw ValidationError("give one of <text>, --prompt, --prompt-file and --jsonl")
    }
  }

  enum Source {
    case text(String)
    /// Requests as JSON lines on stdin.
    case lines
    /// Nothing was given and a person sits there.
    case conversation
  }

  /// Reads the prompt, if there is one.
  ///
  /// - Throws: `CommandError` for input that is missing, cannot be read, is not UTF-8 or is empty.
  func read() throws(CommandError) -> Source {
    if jsonl { return .lines }
    if let promptFile { return .text(try Self.read(from: ByteSource(path: promptFile))) }
    switch text ?? prompt {
    case "-": return .text(try Self.read(from: ByteSource()))
    case let given?: return .text(try Self.checked(given, from: "prompt"))
    case nil where ByteSource.standardInputIsTerminal: return .conversation
    case nil: return .text(try Self.read(from: ByteSource()))
    }
  }

  private static func read(from source: ByteSource) throws(CommandError) -> String {
    var bytes = try source.all()
    // The last newline belongs to the pipe, not to the prompt.
    if bytes.last == UInt8(ascii: "\n") {
      bytes.removeLast()
      if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
    }
    return try checked(String(checking: bytes, from: source.name), from: source.name)
  }

  /// - Throws: `CommandError` for a prompt that says nothing.
  static func checked(_ text: String, from source: String) throws(CommandError) -> String {
    guard text.contains(where: { !$0.isWhitespace }) else {
      throw CommandError(Failure.badData, "\(source): the prompt is empty")
    }
    return text
  }
}
