import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Answers as an OpenAI-compatible server gives them: as many tokens as are asked for, the prompt's
/// words counted, streamed where that is wanted.
package enum CompletionServer {
  /// What a request's body asks for.
  package struct Wish: Sendable {
    package var tokens: Int
    package var priority: Int?
    package var words: Int
    package var isStreamed: Bool

    package init(_ body: String) {
      tokens = Self.number("max_tokens", body) ?? 1
      priority = Self.number("priority", body)
      let prompt = body.firstRange(of: "\"prompt\":\"").map { body[$0.upperBound...] } ?? ""
      words = prompt.prefix { $0 != "\"" }.split(separator: " ").count
      isStreamed = body.contains("\"stream\":true")
    }

    private static func number(_ key: String, _ body: String) -> Int? {
      guard let place = body.firstRange(of: "\"\(key)\":") else { return nil }
      return Int(body[place.upperBound...].prefix { $0 == "-" || $0.isNumber })
    }
  }

  /// - Parameters:
  ///   - pause: microseconds between tokens.
  ///   - ending: what comes after the tokens.
  package static func answer(
    _ wish: Wish, pause: UInt32 = 0, ending: String = "data: [DONE]\n\n"
  ) -> LoopbackServer.Answer {
    // Three tokens that nobody asked for, as templates add them; words are two tokens each.
    let usage = "{\"prompt_tokens\": \(2 * wish.words + 3), \"completion_tokens\": \(wish.tokens)}"
    guard wish.isStreamed else {
      return .respond(
        status: 200,
        body: "{\"choices\": [{\"text\": \"a\", \"finish_reason\": \"length\"}], "
          + "\"usage\": \(usage)}")
    }
    let tokens = (0..<wish.tokens).map { index in
      "data: {\"choices\": [{\"text\": \"t\(index) \", \"finish_reason\": "
        + (index == wish.tokens - 1 ? "\"length\"" : "null") + "}]}\n\n"
    }
    return .trickle(
      tokens + ["data: {\"choices\": [], \"usage\": \(usage)}\n\n" + ending], pause: pause)
  }

  /// Serves one at a time, of those who wait the one of lowest rank.
  package final class Turns: Sendable {
    private let state = Mutex((isBusy: false, waiting: [Int]()))

    package init() {}

    /// Returns when it is the turn of `rank`, which nobody else has.
    package func wait(rank: Int) {
      state.withLock { $0.waiting.append(rank) }
      while true {
        let isMine = state.withLock { state in
          guard !state.isBusy, state.waiting.min() == rank else { return false }
          state.isBusy = true
          state.waiting.removeAll { $0 == rank }
          return true
        }
        if isMine { return }
        usleep(500)
      }
    }

    package func end() { state.withLock { $0.isBusy = false } }
  }
}
