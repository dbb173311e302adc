package import Decoding
package import Workload

/// The scheduler's plans, run by a model: each step is one forward over everybody's tokens, and a
/// decode is a round of a generation, with drafts where the generation has a drafter.
package struct ModelEngine: StepEngine {
  private let decoder: SpeculativeDecoder
  private let generation: (Request) throws -> Generation
  private let forecasts: StateForecasts?
  private let drafts: ((StepShape) -> Int)?
  private let start = ContinuousClock.now
  private var answers: [Int: Answer] = [:]

  private struct Answer {
    var generation: Generation
    var memory: StateForecasts.Memory?
  }

  /// - Parameters:
  ///   - generation: begins a request's answer; the model must be the decoder's target.
  ///   - forecasts: renews what is believed of lengths, from the states that the generations keep.
  ///   - drafts: tokens that the drafters propose for each decode of a step; nil leaves it to the
  ///     generations' policies.
  package init(
    decoder: SpeculativeDecoder, forecasts: StateForecasts? = nil,
    drafts: ((StepShape) -> Int)? = nil,
    generation: @escaping (Request) throws -> Generation
  ) {
    self.decoder = decoder
    self.forecasts = forecasts
    self.drafts = drafts
    self.generation = generation
  }

  /// Prompts of the lengths that the trace has, drawn from the vocabulary, and greedy answers that
  /// go on for as long as the trace has it.
  ///
  /// - Parameters:
  ///   - seed: of the prompts.
  ///   - drafts: tokens that the drafters propose for each decode of a step.
  ///   - drafter: makes a request's drafter; nil for none.
  package init(
    decoder: SpeculativeDecoder, seed: UInt64 = 0, drafts: ((StepShape) -> Int)? = nil,
    drafter: @escaping () throws -> (any Drafter)? = { nil }
  ) {
    let target = decoder.target
    self.init(decoder: decoder, drafts: drafts) { request in
      let length = request.inputLength + request.outputLength
      guard length <= target.contextLength else {
        throw GenerationError.promptTooLong(tokens: length, context: target.contextLength)
      }
      var random = RandomSource(seed: seed, item: request.id)
      let prompt = (0..<request.inputLength).map { _ in
        TokenID.random(in: 0..<TokenID(target.vocabularySize), using: &random)
      }
      return try Generation(
        target: target, prompt: prompt,
        options: GenerationOptions(maxTokens: request.outputLength), drafter: drafter())
    }
  }

  package var now: Time { Time(ContinuousClock.now - start) }

  package mutating func wait(until time: Time) {
    while now < time {
      // The last millisecond is waited out awake: sleeping wakes late.
      let left = Int((time - now).seconds * 1e6) - 1000
      if left > 0 { Sleep.microseconds(left) }
    }
  }

  /// - Throws: `GenerationError` for a request that is longer than the model's context.
  package mutating func begin(_ request: Request) throws {
    answers[request.id] = Answer(generation: try generation(request))
  }

  package mutating func run(_ plan: StepPlan, of scheduler: Scheduler) throws -> [StepResult] {
    var speakers: [Int] = []
    var pieces: [Slice] = []
    for entry in plan.entries {
      let request = scheduler.state(entry.slot).id
      guard let generation = answers[request]?.generation else { continue }
      if generation.speaks(reading: entry.tokens) {
        speakers.append(request)
      } else {
        pieces.append(generation.piece(entry.tokens))
      }
    }
    if let drafts {
      let policy = FixedDraftLength(drafts(plan.shape))
      for request in speakers { answers[request]?.generation.policy = policy }
    }
    let rounds = try decoder.round(
      speakers.compactMap { answers[$0]?.generation }, reading: pieces)
    return zip(speakers, rounds).map { request, round in
      StepResult(
        tokens: round.tokens.count,
        isFinished: answers[request]?.generation.finishReason != nil,
        drafted: round.record.proposed, prediction: news(of: request))
    }
  }

  private mutating func news(of request: Int) -> LengthPrediction? {
    guard let forecasts, let answer = answers[request] else { return nil }
    return forecasts.news(answer.generation, &answers[request, default: answer].memory)
  }

  package mutating func evict(request: Int) { answers[request]?.generation.forget() }

  package mutating func end(request: Int) { answers[request] = nil }
}

extension Time {
  init(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    self.init(picoseconds: seconds * 1_000_000_000_000 + attoseconds / 1_000_000)
  }
}
