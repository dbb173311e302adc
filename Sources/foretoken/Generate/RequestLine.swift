import Decoding
import FoundationEssentials
import Transformer

/// One request of `--jsonl` as its line states it. What it leaves out, or gives as null, is as the
/// flags say.
struct RequestLine {
  /// Given back with every event: a string or a whole number.
  enum Name: Encodable, Equatable {
    case text(String)
    case number(Int)

    func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      switch self {
      case .text(let text): try container.encode(text)
      case .number(let number): try container.encode(number)
      }
    }
  }

  /// Nil also for a name of another type, which `request` complains about.
  let name: Name?
  private var fields: RequestFields

  /// - Throws: `CommandError` for a line that is not a JSON object.
  init(_ bytes: [UInt8]) throws(CommandError) {
    let text = try String(checking: bytes, from: "the line")
    guard let value = try? JSONDecoder().decode(JSONValue.self, from: Data(text.utf8)) else {
      throw CommandError(Failure.badData, "the line: is not valid JSON")
    }
    guard case .object(let members) = value else {
      throw CommandError(
        Failure.badData, "the line: expected a JSON object, found \(value.summary)")
    }
    fields = RequestFields(members)
    name =
      switch members["id"] {
      case .text(let text): .text(text)
      case .whole(let number): .number(number)
      default: nil
      }
  }

  /// The request; `seed` for one that has none of its own.
  ///
  /// - Parameter unknown: gets each key that means nothing to us.
  /// - Throws: `CommandError` naming the key for a value of the wrong type or outside its range,
  ///   `ModelError` for a conversation that the model has no way to write.
  func request(
    _ flags: Generate, seed: UInt64, _ directory: ModelDirectory, unknown: (String) -> Void
  ) throws -> Request {
    var fields = fields
    if name == nil, let value = fields.take("id") {
      throw CommandError(
        Failure.badData, "id: expected a string or a whole number, found \(value.summary)")
    }
    _ = fields.take("id")
    let defaults = flags.sampling
    let sampling = SamplingOptions(
      temperature: try fields.number("temperature") ?? defaults.temperature,
      topK: try fields.whole("top_k") ?? defaults.topK,
      topP: try fields.number("top_p") ?? defaults.topP,
      minP: try fields.number("min_p") ?? defaults.minP,
      repetitionPenalty: try fields.number("repetition_penalty") ?? defaults.repetitionPenalty,
      presencePenalty: try fields.number("presence_penalty") ?? defaults.presencePenalty,
      frequencyPenalty: try fields.number("frequency_penalty") ?? defaults.frequencyPenalty,
      seed: try fields.whole("seed", in: 0...(.max)).map(UInt64.init) ?? seed)
    let draftTokens = try fields.whole("draft_tokens", in: SpeculationFlags.allowed)
    let policy = try fields.policy()
    guard draftTokens == nil || policy == nil else {
      throw CommandError(Failure.badData, "draft_tokens and draft_policy exclude each other")
    }
    let ignoresEnd = try fields.flag("ignore_eos") ?? defaults.ignoreEos
    let request = Request(
      prompt: try fields.prompt(raw: flags.input.raw, directory),
      options: GenerationOptions(
        sampling: sampling,
        maxTokens: try fields.whole("max_tokens", in: 1...(.max)) ?? defaults.maxTokens,
        endOfSequence: ignoresEnd ? [] : directory.endOfSequence),
      stop: try fields.stop() ?? defaults.stop,
      policy: policy ?? draftTokens.map(PolicyChoice.fixed) ?? flags.speculation.choice)
    fields.rest.forEach(unknown)
    return request
  }
}

/// The members of a request object, taken one by one, with errors that name them.
private struct RequestFields {
  private var members: [String: JSONValue]

  init(_ members: [String: JSONValue]) { self.members = members }

  /// Keys that nobody took, in alphabetical order.
  var rest: [String] { members.keys.sorted() }

  /// Nil for a member that is missing or null.
  mutating func take(_ key: String) -> JSONValue? {
    let value = members.removeValue(forKey: key)
    return value == .null ? nil : value
  }

  private func wrong(_ key: String, _ expected: String, _ found: JSONValue) -> CommandError {
    CommandError(Failure.badData, "\(key): expected \(expected), found \(found.summary)")
  }

  mutating func number(_ key: String) throws(CommandError) -> Double? {
    switch take(key) {
    case nil: nil
    case .whole(let whole): Double(whole)
    case .number(let number): number
    case let value?: throw wrong(key, "a number", value)
    }
  }

  mutating func whole(
    _ key: String, in range: ClosedRange<Int> = .min...(.max)
  ) throws(CommandError) -> Int? {
    guard let value = take(key) else { return nil }
    guard case .whole(let whole) = value, range.contains(whole) else {
      let upper = range.upperBound == .max ? " or more" : " to \(range.upperBound)"
      let bounds = range.lowerBound == .min ? "" : " of \(range.lowerBound)\(upper)"
      throw wrong(key, "a whole number\(bounds)", value)
    }
    return whole
  }

  mutating func flag(_ key: String) throws(CommandError) -> Bool? {
    guard let value = take(key) else { return nil }
    guard case .flag(let flag) = value else { throw wrong(key, "true or false", value) }
    return flag
  }

  mutating func policy() throws(CommandError) -> PolicyChoice? {
    guard let value = take("draft_policy") else { return nil }
    guard case .text(let name) = value else { throw wrong("draft_policy", "a string", value) }
    do throws(CommandError) {
      return try PolicyChoice(parsing: name)
    } catch {
      throw CommandError(Failure.badData, "draft_policy: \(error)")
    }
  }

  mutating func stop() throws(CommandError) -> [String]? {
    guard let value = take("stop") else { return nil }
    let texts: [JSONValue] = if case .list(let list) = value { list } else { [value] }
    return try texts.map { text throws(CommandError) in
      guard case .text(let text) = text, !text.isEmpty else {
        throw wrong("stop", "a string that is not empty, or a list of such", value)
      }
      return text
    }
  }

  /// The tokens of `prompt` or of `messages`.
  mutating func prompt(raw: Bool, _ directory: ModelDirectory) throws -> [TokenID] {
    let raw = try flag("raw") ?? raw
    switch (take("prompt"), take("messages")) {
    case (.text(let prompt), nil):
      return try directory.tokens(prompt: PromptOptions.checked(prompt, from: "prompt"), raw: raw)
    case (let prompt?, nil):
      throw wrong("prompt", "a string", prompt)
    case (nil, .list(let messages)) where !messages.isEmpty:
      return try directory.tokens(
        messages: messages.enumerated().map { try message($1, at: "messages[\($0)]") })
    case (nil, let messages?):
      throw wrong("messages", "a list of messages", messages)
    default:
      throw CommandError(Failure.badData, "expected either \"prompt\" or \"messages\"")
    }
  }

  private func message(_ value: JSONValue, at key: String) throws(CommandError) -> ChatMessage {
    guard case .object(let members) = value else { throw wrong(key, "an object", value) }
    let roles = ChatMessage.Role.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
    guard case .text(let name) = members["role"], let role = ChatMessage.Role(rawValue: name) else {
      throw wrong("\(key).role", "one of \(roles)", members["role"] ?? .null)
    }
    guard case .text(let content) = members["content"] else {
      throw wrong("\(key).content", "a string", members["content"] ?? .null)
    }
    return ChatMessage(role: role, content: content)
  }
}
