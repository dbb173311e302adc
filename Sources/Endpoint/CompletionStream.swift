internal import FoundationEssentials

/// An answer that comes as server-sent events, as far as it has come.
package struct CompletionStream: Sendable {
  /// Pieces of text so far: usually a token each, and never more than the answer has tokens.
  package private(set) var pieces = 0
  /// As the server counts them, where it does.
  package private(set) var promptTokens: Int?
  package private(set) var answerTokens: Int?
  /// The server has said why the answer ends, or that it has.
  package private(set) var isEnded = false
  /// What the server says went wrong, after it had begun well.
  package private(set) var failure: String?

  private var events = ServerSentEvents()
  /// The start of what is no event: the body of an error.
  private var rest: [UInt8] = []
  private var hasEvents = false

  package init() {}

  private struct Event: Decodable {
    struct Delta: Decodable {
      var content: String?
      var reasoning_content: String?
    }
    struct Choice: Decodable {
      var text: String?
      var delta: Delta?
      var finish_reason: String?
    }
    var choices: [Choice]?
    var usage: TokenUsage?
  }

  /// - Returns: pieces of text that these bytes complete.
  package mutating func receive(_ bytes: UnsafeRawBufferPointer) -> Int {
    let before = pieces
    for data in events.receive(bytes) { read(data) }
    if !hasEvents, rest.count < 4096 { rest.append(contentsOf: bytes.prefix(4096 - rest.count)) }
    return pieces - before
  }

  private mutating func read(_ data: [UInt8]) {
    hasEvents = true
    if data.elementsEqual("[DONE]".utf8) {
      isEnded = true
      return
    }
    guard let event = try? JSONDecoder().decode(Event.self, from: Data(data)) else {
      failure = failure ?? "an event of the answer is no JSON of a completion"
      return
    }
    if let usage = event.usage {
      promptTokens = usage.prompt_tokens ?? promptTokens
      answerTokens = usage.completion_tokens ?? answerTokens
    }
    guard let choices = event.choices else {
      if let message = ErrorBody.message(of: data) { failure = failure ?? message }
      return
    }
    for choice in choices {
      // A token that is half a character comes without text; so does the word that it is over.
      let isToken = choice.text.map { !$0.isEmpty || choice.finish_reason == nil } ?? false
      let content = choice.delta?.content ?? choice.delta?.reasoning_content ?? ""
      if isToken || !content.isEmpty { pieces += 1 }
      if choice.finish_reason != nil { isEnded = true }
    }
  }

  /// What a body that is no stream says, on one line and short; empty where it says nothing.
  package var errorMessage: String { ErrorBody.line(of: rest) }
}
