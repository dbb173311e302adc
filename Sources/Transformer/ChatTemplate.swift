package import Decoding

/// One message of a conversation.
package struct ChatMessage: Equatable, Sendable, Codable {
  package enum Role: String, Sendable, Codable, CaseIterable {
    /// What the model is told before the conversation; only the first message can be one.
    case system
    case user
    case assistant
  }

  package var role: Role
  package var content: String

  package init(role: Role, content: String) {
    self.role = role
    self.content = content
  }
}

/// How a model wants a conversation written: which tokens stand around the messages.
///
/// Not an engine for the template's language. The families that are in use are recognised by the marks
/// that their templates contain (`ChatFormat`), and written from a table. What a message says never
/// becomes a special token, whatever it contains.
package struct ChatTemplate: Sendable {
  /// The family's name.
  package var name: String { format.name }

  private let format: ChatFormat
  private let begin: String
  private let end: String
  /// What the template says in place of a missing system message.
  private let defaultSystem: String?
  /// What an earlier answer loses up to `</think>`, and the line ends after it.
  private let dropsThoughts: Bool
  private let dropsNewlines: Bool
  private let path: String

  /// Reads the template of a model's folder: `chat_template.jinja`, or the `chat_template` of
  /// `tokenizer_config.json`.
  ///
  /// - Returns: nil when the model has none.
  /// - Throws: `unsupported` for a template of no family that we know, `malformed` or `inputOutput`
  ///   when a file cannot be read.
  package init?(directory: String) throws(ModelError) {
    let configurationPath = directory + "/tokenizer_config.json"
    let templatePath = directory + "/chat_template.jinja"
    let configuration: TokenizerConfiguration? =
      JSONFile.exists(configurationPath) ? try JSONFile.decode(configurationPath) : nil
    let isFile = JSONFile.exists(templatePath)
    let template = isFile ? try JSONFile.text(templatePath) : configuration?.chat_template?.text
    guard let template else { return nil }
    try self.init(
      template: template, begin: configuration?.bos_token?.content ?? "",
      end: configuration?.eos_token?.content ?? "",
      path: isFile ? templatePath : configurationPath)
  }

  /// Recognises the family of a template.
  ///
  /// - Parameters:
  ///   - template: the template's text, in which the family is recognised.
  ///   - begin: the text of the token that begins a sequence, empty where there is none.
  ///   - end: the text of the token that ends an answer.
  package init(template: String, begin: String, end: String, path: String) throws(ModelError) {
    // Within the template's strings a line end is written as an escape.
    let template = template.replacing("\r\n", with: "\n").replacing("\\n", with: "\n")
    guard let format = ChatFormat.recognised(in: template) else {
      throw ModelError(
        .unsupported, path: path, place: "chat_template",
        problem:
          "the template is of none of the known families (\(Self.names.joined(separator: ", ")))",
        advice: "name the family with --chat-template, or write the prompt yourself and say --raw")
    }
    self.format = format
    // A template that does not name it leaves it out.
    self.begin =
      template.contains("bos_token") || template.contains("<|begin_of_text|>") ? begin : ""
    self.end = end
    self.path = path
    dropsThoughts = ["'", "\""].contains { template.contains("split(\($0)</think>\($0))") }
    dropsNewlines = template.contains("lstrip('\n')")
    defaultSystem = format.defaultSystem ?? Self.literalSystem(in: template, format)
  }

  /// The family of that name, whatever the model says of itself.
  ///
  /// - Throws: `unsupported` for a name of none.
  init(
    named name: String, begin: String, end: String, path: String
  ) throws(ModelError) {
    guard let format = ChatFormat.all.first(where: { $0.name == name }) else {
      throw ModelError(
        .unsupported, path: path, place: "chat_template",
        problem: "there is no format called \(name.asJSON)",
        advice: "known are \(Self.names.joined(separator: ", "))")
    }
    self.format = format
    self.begin = format.begins || format.beginsEveryUser ? begin : ""
    self.end = end
    self.path = path
    dropsThoughts = false
    dropsNewlines = false
    defaultSystem = format.defaultSystem
  }

  /// The families that we know.
  package static let names = ChatFormat.all.map(\.name)

  /// The tokens of the conversation, up to where the assistant answers.
  ///
  /// - Throws: `unsupported` for a system message that is not the first or that the family has no
  ///   place for.
  package func tokens(
    _ messages: [ChatMessage], tokenizer: Tokenizer
  ) throws(ModelError) -> [TokenID] {
    let prompt = try render(messages)
    return tokenizer.encode(prompt.text, plain: prompt.plain)
  }

  /// The conversation as text, with the special tokens spelled out: to look at, not to encode.
  package func text(_ messages: [ChatMessage]) throws(ModelError) -> String {
    try render(messages).text
  }

  // MARK: Writing

  /// A text and where in it messages stand.
  private struct Prompt {
    var text = ""
    var plain: [Range<Int>] = []

    mutating func append(_ before: String, plain content: String, _ after: String) {
      text += before
      let start = text.utf8.count
      text += content
      if text.utf8.count > start { plain.append(start..<text.utf8.count) }
      text += after
    }
  }

  private func render(_ messages: [ChatMessage]) throws(ModelError) -> Prompt {
    var messages = messages
    var system = defaultSystem
    if messages.first?.role == .system { system = content(of: messages.removeFirst()) }

    var prompt = Prompt()
    if !format.beginsEveryUser { prompt.text += begin }
    // The message whose turn the system message shares, and how.
    var host: (index: Int, frame: ChatFormat.Frame)?
    if let system {
      switch format.system {
      case .turn(let frame):
        prompt.append(marks(frame.before), plain: system, marks(frame.after))
      case .firstUser(let frame):
        host = messages.firstIndex { $0.role == .user }.map { ($0, frame) }
      case .lastUser(let frame):
        host = messages.lastIndex { $0.role == .user }.map { ($0, frame) }
      case nil:
        throw unsupported(
          "the \(name) format has no place for a system message",
          advice: "say it in the first user message")
      }
    }
    for (index, message) in messages.enumerated() {
      guard message.role != .system else {
        throw unsupported(
          "a system message after the first message", advice: "put it before all others")
      }
      let frame = message.role == .user ? format.user : format.assistant
      prompt.text += marks(frame.before)
      if let host, let system, host.index == index {
        prompt.append(host.frame.before, plain: system, host.frame.after)
      }
      prompt.append("", plain: content(of: message), marks(frame.after))
    }
    prompt.text += format.answer
    return prompt
  }

  private func marks(_ text: String) -> String {
    text.replacing("{bos}", with: begin).replacing("{eos}", with: end)
  }

  private func content(of message: ChatMessage) -> String {
    var content = message.content
    if message.role == .assistant, dropsThoughts, let end = content.ranges(of: "</think>").last {
      content = String(content[end.upperBound...].drop { dropsNewlines && $0 == "\n" })
    }
    return format.trims ? content.stripped : content
  }

  private func unsupported(_ problem: String, advice: String) -> ModelError {
    ModelError(
      .unsupported, path: path, place: "chat_template", problem: problem, advice: advice)
  }

  // MARK: Reading

  /// The system message that a template has in its text, between the marks of a system turn.
  private static func literalSystem(in template: String, _ format: ChatFormat) -> String? {
    guard case .turn(let frame) = format.system else { return nil }
    for start in template.ranges(of: frame.before) {
      guard let end = template[start.upperBound...].firstRange(of: frame.after) else { return nil }
      let literal = template[start.upperBound..<end.lowerBound]
      if !literal.contains(where: { "'\"{}".contains($0) }) { return String(literal) }
    }
    return nil
  }
}

extension String {
  /// Without the white space at both ends.
  fileprivate var stripped: String {
    func isSpace(_ scalar: Unicode.Scalar) -> Bool {
      // Python's strip counts the four information separators too.
      scalar.properties.isWhitespace || 0x1C...0x1F ~= scalar.value
    }
    var scalars = unicodeScalars[...]
    while let first = scalars.first, isSpace(first) { scalars.removeFirst() }
    while let last = scalars.last, isSpace(last) { scalars.removeLast() }
    return String(scalars)
  }
}
