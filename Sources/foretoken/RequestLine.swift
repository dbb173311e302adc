import Decoding
import FoundationEssentials
import Transformer

/// One request of `--jsonl`, as the line states it; what it leaves out is as the flags say.
struct RequestLine: Decodable {
  /// Given back with every event.
  var id: RequestName?
  var prompt: String?
  var messages: [ChatMessage]?
  var raw: Bool?
  var maxTokens: Int?
  var temperature: Double?
  var topK: Int?
  var topP: Double?
  var minP: Double?
  var repetitionPenalty: Double?
  var presencePenalty: Double?
  var frequencyPenalty: Double?
  var seed: UInt64?
  var stop: OneOrMore?
  var ignoreEos: Bool?
  var draftTokens: Int?

  enum CodingKeys: String, CodingKey, CaseIterable {
    case id, prompt, messages, raw
    case maxTokens = "max_tokens"
    case temperature
    case topK = "top_k"
    case topP = "top_p"
    case minP = "min_p"
    case repetitionPenalty = "repetition_penalty"
    case presencePenalty = "presence_penalty"
    case frequencyPenalty = "frequency_penalty"
    case seed, stop
    case ignoreEos = "ignore_eos"
    case draftTokens = "draft_tokens"
  }

  /// `"stop"` is a text in some requests and a list in others.
  struct OneOrMore: Decodable {
    var values: [String]

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let one = try? container.decode(String.self) {
        values = [one]
      } else {
        values = try container.decode([String].self)
      }
    }
  }
}

/// A client's name for its request: a text or a whole number.
enum RequestName: Codable, Equatable {
  case text(String)
  case number(Int)

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let number = try? container.decode(Int.self) {
      self = .number(number)
    } else {
      self = .text(try container.decode(String.self))
    }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .text(let text): try container.encode(text)
    case .number(let number): try container.encode(number)
    }
  }
}

// MARK: - Reading

extension RequestLine {
  /// - Throws: `CommandError` for what is no such object, naming the key.
  init(_ text: String) throws(CommandError) {
    do {
      self = try JSONDecoder().decode(RequestLine.self, from: Data(text.utf8))
    } catch let error as Swift.DecodingError {
      let place = error.place.map { $0 + ": " } ?? ""
      throw CommandError(Failure.badData, place + error.problem)
    } catch {
      throw CommandError(Failure.badData, "\(error)")
    }
  }

  /// The name of a request that is otherwise wrong.
  static func name(in text: String) -> RequestName? {
    struct Named: Decodable { var id: RequestName? }
    return try? JSONDecoder().decode(Named.self, from: Data(text.utf8)).id
  }

  /// Keys of the object that mean nothing to us, in alphabetical order.
  static func unknownKeys(in text: String) -> [String] {
    struct AnyKey: CodingKey {
      var stringValue: String
      var intValue: Int? { nil }
      init?(intValue: Int) { nil }
      init?(stringValue: String) { self.stringValue = stringValue }
    }
    struct Keys: Decodable {
      var names: [String]
      init(from decoder: any Decoder) throws {
        names = try decoder.container(keyedBy: AnyKey.self).allKeys.map(\.stringValue)
      }
    }
    let known = Set(CodingKeys.allCases.map(\.rawValue))
    let keys = try? JSONDecoder().decode(Keys.self, from: Data(text.utf8))
    return (keys?.names ?? []).filter { !known.contains($0) }.sorted()
  }

  /// The request, with the flags' values where the line has none.
  ///
  /// - Throws: `CommandError` for a value outside its range, `ModelError` without a chat format.
  func request(_ flags: Generate, seed: UInt64, _ directory: ModelDirectory) throws -> Request {
    let defaults = flags.sampling
    let sampling = SamplingOptions(
      temperature: temperature ?? defaults.temperature, topK: topK ?? defaults.topK,
      topP: topP ?? defaults.topP, minP: minP ?? defaults.minP,
      repetitionPenalty: repetitionPenalty ?? defaults.repetitionPenalty,
      presencePenalty: presencePenalty ?? defaults.presencePenalty,
      frequencyPenalty: frequencyPenalty ?? defaults.frequencyPenalty, seed: self.seed ?? seed)
    let stop = stop?.values ?? defaults.stop
    guard !stop.contains("") else {
      throw CommandError(Failure.badData, "stop: expected a text that is not empty")
    }
    let draftTokens = draftTokens ?? flags.speculation.draftTokens
    guard SpeculationFlags.allowed.contains(draftTokens) else {
      throw CommandError(
        Failure.badData,
        "draft_tokens: expected 0 to \(SpeculationFlags.allowed.upperBound), found \(draftTokens)")
    }
    return Request(
      prompt: try promptTokens(raw: raw ?? flags.raw, directory),
      options: GenerationOptions(
        sampling: sampling, maxTokens: maxTokens ?? defaults.maxTokens,
        endOfSequence: ignoreEos ?? defaults.ignoreEos ? [] : directory.endOfSequence),
      stop: stop, draftTokens: draftTokens)
  }

  private func promptTokens(raw: Bool, _ directory: ModelDirectory) throws -> [TokenID] {
    switch (prompt, messages) {
    case (let prompt?, nil):
      guard !prompt.isEmpty else { throw CommandError(Failure.badData, "prompt: is empty") }
      return try directory.tokens(prompt: prompt, raw: raw)
    case (nil, let messages?):
      guard !messages.isEmpty else { throw CommandError(Failure.badData, "messages: is empty") }
      return try directory.tokens(messages: messages)
    default:
      throw CommandError(Failure.badData, "expected either \"prompt\" or \"messages\"")
    }
  }
}
