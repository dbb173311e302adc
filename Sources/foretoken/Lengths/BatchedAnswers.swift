import Decoding

/// Draws several answers to each of many prompts, a batch of them a forward: the target's weights are
/// read once for all, and each prompt once for its answers.
///
/// An answer depends on its own options alone, not on the batch that it was in.
struct BatchedAnswers {
  let decoder: SpeculativeDecoder
  /// Answers of a prompt.
  let draws: Int
  /// Answers on their way at a time.
  let width: Int
  /// How the draw-th answer to a prompt is made.
  let options: (_ prompt: Int, _ draw: Int) -> GenerationOptions

  /// The answers to one prompt, in the order of their draws.
  struct Drawn {
    var answers: [[TokenID]]
    /// Of each answer, where the options ask for them.
    var states: [[AnswerState]]
    /// From the first draw's start to the last one's end.
    var seconds: Double
  }

  private struct Running {
    var prompt: Int
    var draw: Int
    var generation: Generation
  }

  private struct Gathered {
    var done: [Generation?]
    var begin: ContinuousClock.Instant
    var end: ContinuousClock.Instant
  }

  /// - Parameters:
  ///   - prompts: tokens of each, none empty.
  ///   - isStopped: asked after each forward; what is not complete is dropped then.
  ///   - finish: gets the prompts one after another, in their order.
  func run(
    _ prompts: [[TokenID]], isStopped: () -> Bool, finish: (Int, Drawn) throws -> Void
  ) throws {
    var running: [Running] = []
    var gathered: [Int: Gathered] = [:]
    var (nextPrompt, nextDraw, finished) = (0, 0, 0)
    var shared: SharedPrompt?
    while finished < prompts.count, !isStopped() {
      while running.count < width, nextPrompt < prompts.count {
        if nextDraw == 0 {
          shared = try SharedPrompt(target: decoder.target, prompt: prompts[nextPrompt])
          let now = ContinuousClock.now
          gathered[nextPrompt] = Gathered(
            done: Array(repeating: nil, count: draws), begin: now, end: now)
        }
        let generation = try Generation(
          target: decoder.target, prompt: prompts[nextPrompt],
          options: options(nextPrompt, nextDraw), shared: shared)
        running.append(Running(prompt: nextPrompt, draw: nextDraw, generation: generation))
        nextDraw += 1
        if nextDraw == draws { (nextPrompt, nextDraw, shared) = (nextPrompt + 1, 0, nil) }
      }
      _ = try decoder.round(running.map(\.generation))
      for done in running where done.generation.finishReason != nil {
        gathered[done.prompt]?.done[done.draw] = done.generation
        gathered[done.prompt]?.end = .now
      }
      running.removeAll { $0.generation.finishReason != nil }
      while let next = gathered[finished] {
        let done = next.done.compactMap(\.self)
        guard done.count == draws else { break }
        gathered[finished] = nil
        try finish(
          finished,
          Drawn(
            answers: done.map { Array($0.answer) }, states: done.map(\.states),
            seconds: (next.end - next.begin) / .seconds(1)))
        finished += 1
      }
    }
  }
}
