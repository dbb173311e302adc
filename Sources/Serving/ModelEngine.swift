package import Decoding
package import Workload

/// The scheduler's plans, run by a model: prompts of the lengths that the trace has, drawn from the
/// vocabulary, and greedy answers that go on as long as they are wanted.
package struct ModelEngine: StepEngine {
  private let target: any LanguageModel
  private let seed: UInt64
  private let start = ContinuousClock.now
  private var output: ForwardOutput
  private var texts: [Int: Text] = [:]

  private struct Text {
    var sequence: SequenceID
    /// The prompt and the answer so far.
    var tokens: [TokenID]
  }

  /// - Parameter seed: of the prompts.
  package init(target: any LanguageModel, seed: UInt64 = 0) {
    self.target = target
    self.seed = seed
    output = ForwardOutput(vocabularySize: target.vocabularySize, hiddenSize: target.hiddenSize)
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
    let length = request.inputLength + request.outputLength
    guard length <= target.contextLength else {
      throw GenerationError.promptTooLong(tokens: length, context: target.contextLength)
    }
    var random = RandomSource(seed: seed, item: request.id)
    let tokens = (0..<request.inputLength).map { _ in
      TokenID.random(in: 0..<TokenID(target.vocabularySize), using: &random)
    }
    texts[request.id] = Text(sequence: try target.openSequence(), tokens: tokens)
  }

  package mutating func run(_ plan: StepPlan, of scheduler: Scheduler) throws {
    var slices: [Slice] = []
    var speakers: [Int] = []
    for entry in plan.entries {
      let state = scheduler.state(entry.slot)
      guard let text = texts[state.id] else { continue }
      let end = state.computed + entry.tokens
      let isComplete = end == text.tokens.count
      slices.append(
        Slice(text.sequence, tokens: text.tokens[state.computed..<end], rows: isComplete ? 1 : 0))
      if isComplete { speakers.append(state.id) }
    }
    try target.forward(slices, into: &output)
    for (row, request) in speakers.enumerated() {
      texts[request]?.tokens.append(output.withLogits(row: row, Self.likeliest))
    }
  }

  package mutating func evict(request: Int) {
    if let text = texts[request] { target.rewind(text.sequence, to: 0) }
  }

  package mutating func end(request: Int) {
    if let text = texts.removeValue(forKey: request) { target.closeSequence(text.sequence) }
  }

  private static func likeliest(_ logits: UnsafeBufferPointer<Float>) -> TokenID {
    var (best, token) = (-Float.infinity, 0)
    for index in logits.indices where logits[index] > best {
      (best, token) = (logits[index], index)
    }
    return TokenID(token)
  }
}

extension Time {
  init(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    self.init(picoseconds: seconds * 1_000_000_000_000 + attoseconds / 1_000_000)
  }
}
