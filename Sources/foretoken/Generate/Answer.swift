import Decoding
import Transformer

/// What to answer and how, whether flags or a JSON line asked for it.
struct Request {
  var prompt: [TokenID]
  var options: GenerationOptions
  /// Texts that end the answer.
  var stop: [String]
  var policy: PolicyChoice
}

/// Why an answer ended; the first two as OpenAI's API names them, the third as vLLM does.
enum AnswerEnd: String, Encodable {
  /// A token that ends an answer, or a stop string.
  case stop
  /// The limit of tokens, or the end of the context.
  case length
  /// Ctrl-C.
  case abort
}

/// An answer, and what it took.
struct Answer {
  var text: String
  /// Up to the one that ended the answer.
  var tokens: [TokenID]
  var end: AnswerEnd
  var promptCount: Int
  /// Who proposed how many candidates.
  var policy: PolicyChoice
  /// What happened, round by round; the first read the prompt and gave the first token.
  var rounds: [RoundRecord]

  var firstTokenSeconds: Double { rounds.first?.seconds.total ?? 0 }
}

extension SpeculativeEngine {
  /// Answers a request, round by round.
  ///
  /// - Parameter show: gets the text as it is decided.
  /// - Throws: `GenerationError` for a request that cannot be answered, what the models throw, and
  ///   what `show` throws.
  func answer(_ request: Request, show: ([Piece]) throws -> Void) throws -> Answer {
    let generation = try generation(request)
    var text = AnswerText(
      pair.directory.tokenizer, ends: request.options.endOfSequence, stop: request.stop)
    var rounds: [RoundRecord] = []
    while generation.finishReason == nil, !text.isStopped, !Interrupt.isRequested {
      let round = try pair.decoder.round(generation)
      rounds.append(round.record)
      try show(text.append(round))
    }
    try show(text.finish())
    learn(request, generation)
    let end: AnswerEnd =
      switch generation.finishReason {
      case _ where text.isStopped: .stop
      case .stop: .stop
      case .length: .length
      case nil: .abort
      }
    return Answer(
      text: text.text, tokens: text.tokens, end: end, promptCount: request.prompt.count,
      policy: policy(request.policy), rounds: rounds)
  }
}
