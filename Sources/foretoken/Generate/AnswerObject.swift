import Decoding
import FoundationEssentials

/// An answer as a JSON object: what `--json` prints, and the last event of a request of `--jsonl`.
struct AnswerObject: Encodable {
  var text: String
  var tokens: [TokenID]
  var finish_reason: AnswerEnd
  /// With which the answer can be had again; absent when nothing was drawn.
  var seed: UInt64?
  /// Who proposed how many tokens.
  var policy: String
  var verification: VerificationChoice
  var usage: Usage
  var timings: Timings

  init(_ answer: Answer, _ request: Request, _ engine: SpeculativeEngine) {
    let sampling = request.options.sampling
    text = answer.text
    tokens = answer.tokens
    finish_reason = answer.end
    seed = sampling.temperature > 0 ? sampling.seed : nil
    usage = Usage(
      prompt_tokens: answer.promptCount, completion_tokens: answer.tokens.count,
      total_tokens: answer.promptCount + answer.tokens.count)
    policy = answer.policy.description
    verification = engine.verification
    timings = Timings(answer, plainSeconds: engine.plainSeconds(answer))
  }

  /// As OpenAI's API has it.
  struct Usage: Encodable {
    var prompt_tokens: Int
    var completion_tokens: Int
    var total_tokens: Int
  }

  /// As llama.cpp's server has them, and `rounds`. Milliseconds; a rate is absent where there is
  /// nothing to divide.
  struct Timings: Encodable {
    /// Tokens of the prompt that were read, and those that were in a cache already.
    var prompt_n: Int
    var cache_n = 0
    /// Until the first token was drawn.
    var prompt_ms: Double
    var prompt_per_second: Double?
    var predicted_n: Int
    /// After the first token.
    var predicted_ms: Double
    var predicted_per_second: Double?
    var draft_n: Int
    var draft_n_accepted: Int
    /// Forwards of the target after the first token.
    var rounds: Int
    /// Over plain decoding by the measured costs; absent where there are none.
    var estimated_speedup: Double?

    init(_ answer: Answer, plainSeconds: Double?) {
      func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }
      let seconds = answer.firstTokenSeconds
      let statistics = GenerationStatistics(answer.rounds.dropFirst())
      prompt_n = answer.promptCount
      prompt_ms = rounded(seconds * 1000)
      prompt_per_second = seconds > 0 ? rounded(Double(answer.promptCount) / seconds) : nil
      predicted_n = answer.tokens.count
      predicted_ms = rounded(statistics.seconds.total * 1000)
      predicted_per_second = statistics.tokensPerSecond.map(rounded)
      draft_n = statistics.proposed
      draft_n_accepted = statistics.accepted
      rounds = statistics.rounds
      let decoding = statistics.seconds.total
      estimated_speedup = plainSeconds.flatMap { decoding > 0 ? rounded($0 / decoding) : nil }
    }
  }
}

extension Encodable {
  /// On one line, keys in alphabetical order.
  func jsonLine() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
  }
}
