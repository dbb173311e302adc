internal import FoundationEssentials

/// What to ask an OpenAI-compatible endpoint for.
package struct CompletionRequest: Sendable, Encodable {
  package enum Prompt: Sendable {
    /// A user's turn: `/chat/completions`.
    case chat(String)
    /// A text to go on with: `/completions`.
    case raw(String)
  }

  package var model: String
  package var prompt: Prompt
  package var temperature: Double
  package var topP: Double
  /// Not sent when nil; OpenAI's own servers do not know it.
  package var topK: Int?
  /// What the endpoint allows when nil.
  package var maxTokens: Int?
  package var seed: Int?
  /// Answers in one response.
  package var choices: Int
  /// Token by token as server-sent events, with the usage at the end.
  package var isStreamed: Bool
  /// vLLM's: lower is sooner. Not sent when nil.
  package var priority: Int?
  /// The answer goes on to `maxTokens` whatever the model says, where the server can do that
  /// (vLLM's, SGLang's and llama.cpp's `ignore_eos`, llama-cpp-python's `min_tokens`).
  package var ignoresEnd = false

  package init(
    model: String, prompt: Prompt, temperature: Double, topP: Double, topK: Int? = nil,
    maxTokens: Int? = nil, seed: Int? = nil, choices: Int = 1, isStreamed: Bool = false
  ) {
    self.model = model
    self.prompt = prompt
    self.temperature = temperature
    self.topP = topP
    self.topK = topK
    self.maxTokens = maxTokens
    self.seed = seed
    self.choices = choices
    self.isStreamed = isStreamed
  }

  private enum Key: String, CodingKey {
    case model, prompt, messages, temperature, seed, n, stream, logprobs, priority
    case topP = "top_p"
    case topK = "top_k"
    case maxTokens = "max_tokens"
    case streamOptions = "stream_options"
    case ignoreEOS = "ignore_eos"
    case minTokens = "min_tokens"
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(model, forKey: .model)
    switch prompt {
    case .chat(let text):
      try container.encode([["role": "user", "content": text]], forKey: .messages)
    case .raw(let text): try container.encode(text, forKey: .prompt)
    }
    try container.encode(temperature, forKey: .temperature)
    try container.encode(topP, forKey: .topP)
    try container.encodeIfPresent(topK, forKey: .topK)
    try container.encodeIfPresent(maxTokens, forKey: .maxTokens)
    try container.encodeIfPresent(seed, forKey: .seed)
    if choices > 1 {
      try container.encode(choices, forKey: .n)
      // The usage is of all answers together; only a list of tokens tells each one's length.
      if case .chat = prompt {
        try container.encode(true, forKey: .logprobs)
      } else {
        try container.encode(0, forKey: .logprobs)
      }
    }
    try container.encodeIfPresent(priority, forKey: .priority)
    if ignoresEnd {
      try container.encode(true, forKey: .ignoreEOS)
      try container.encodeIfPresent(maxTokens, forKey: .minTokens)
    }
    if isStreamed {
      try container.encode(true, forKey: .stream)
      try container.encode(["include_usage": true], forKey: .streamOptions)
    }
  }

  /// The address that takes it.
  ///
  /// - Parameter base: as clients of OpenAI's take it, up to and with `/v1`.
  package func url(base: String) -> String {
    let base = base.hasSuffix("/") ? String(base.dropLast()) : base
    switch prompt {
    case .chat: return base + "/chat/completions"
    case .raw: return base + "/completions"
    }
  }

  /// - Throws: `invalidSetting` for numbers that JSON cannot hold.
  package func body(url: String) throws(EndpointError) -> [UInt8] {
    let encoder = JSONEncoder()
    // The same request is the same bytes, also in another run.
    encoder.outputFormatting = .sortedKeys
    do {
      return Array(try encoder.encode(self))
    } catch {
      throw EndpointError(.invalidSetting, url: url, problem: "cannot be asked: \(error)")
    }
  }
}

/// What an OpenAI-compatible endpoint answers.
package struct Completion: Sendable, Equatable {
  package struct Choice: Sendable, Equatable {
    package var text: String
    /// As the endpoint counts them.
    package var tokens: Int
    /// It ended by itself, not at a limit.
    package var isEnded: Bool

    package init(text: String, tokens: Int, isEnded: Bool) {
      self.text = text
      self.tokens = tokens
      self.isEnded = isEnded
    }
  }

  package var choices: [Choice]
  package var promptTokens: Int

  private struct Body: Decodable {
    struct Message: Decodable { var content: String? }
    struct Probabilities: Decodable {
      struct Token: Decodable {}
      var content: [Token]?
      var tokens: [String]?
    }
    struct Choice: Decodable {
      var index: Int?
      var message: Message?
      var text: String?
      var logprobs: Probabilities?
      var finish_reason: String?
    }
    var choices: [Choice]?
    var usage: TokenUsage?
  }

  /// - Throws: `unavailable` for a body that is broken or reports an error, `malformed` for one that
  ///   does not tell lengths.
  package init(body: [UInt8], url: String) throws(EndpointError) {
    guard let parsed = try? JSONDecoder().decode(Body.self, from: Data(body)) else {
      throw EndpointError(
        .unavailable, url: url, problem: "the answer is no JSON of a completion")
    }
    guard let found = parsed.choices, !found.isEmpty else {
      let reason = ErrorBody.message(of: body).map { ": \($0.prefix(200))" } ?? ""
      throw EndpointError(.unavailable, url: url, problem: "the answer has no choices\(reason)")
    }
    let limit = 1 << 24
    guard let prompt = parsed.usage?.prompt_tokens, (0...limit).contains(prompt) else {
      throw EndpointError(
        .malformed, url: url, problem: "the answer has no usage.prompt_tokens",
        advice: "the endpoint must count tokens")
    }
    promptTokens = prompt
    choices = []
    for choice in found.sorted(by: { $0.index ?? 0 < $1.index ?? 0 }) {
      let listed = choice.logprobs.flatMap { $0.content?.count ?? $0.tokens?.count }
      let counted = found.count == 1 ? parsed.usage?.completion_tokens : nil
      guard let tokens = counted ?? listed, (0...limit).contains(tokens) else {
        throw EndpointError(
          .malformed, url: url, problem: "the answer does not tell how long each choice is",
          advice: found.count == 1
            ? "the endpoint must count tokens" : "ask for one choice at a time")
      }
      choices.append(
        Choice(
          text: choice.message?.content ?? choice.text ?? "", tokens: tokens,
          isEnded: choice.finish_reason != "length"))
    }
  }
}

/// The tokens that an endpoint counts, of a whole answer and at the end of a streamed one.
struct TokenUsage: Decodable {
  var prompt_tokens: Int?
  var completion_tokens: Int?
}

/// `{"error": {"message": ...}}`, or one of its cousins.
enum ErrorBody {
  private struct Body: Decodable {
    struct Detail: Decodable { var message: String? }
    var error: Detail?
    var message: String?
    var detail: String?
  }

  static func message(of body: [UInt8]) -> String? {
    guard let parsed = try? JSONDecoder().decode(Body.self, from: Data(body)) else { return nil }
    return parsed.error?.message ?? parsed.message ?? parsed.detail
  }

  /// What a body says of the error, short enough for a line.
  static func line(of body: [UInt8]) -> String {
    let text = message(of: body) ?? String(decoding: body.prefix(200), as: UTF8.self)
    return String(text.split(whereSeparator: \.isWhitespace).joined(separator: " ").prefix(200))
  }
}
