import Decoding
import Reporting

/// Runs every policy on every prompt, so that what else the machine does weighs on all of them
/// alike: prompt by prompt, the policies in an order drawn anew each time, over and over.
final class ReportRunner {
  private let header: ReportHeader
  private let prompts: [[TokenID]]
  private let policies: [PolicyChoice]
  private let drafter: () throws -> (any Drafter)?
  private let decoder: SpeculativeDecoder
  private let endOfSequence: Set<TokenID>
  private let resources: PolicyResources

  /// What a policy has learned goes on from prompt to prompt of a set, as it would in a server.
  private struct Learner: Hashable {
    var set: String
    var temperature: Double
    var policy: PolicyChoice
  }
  private var learned: [Learner: any DraftLengthPolicy] = [:]

  /// - Parameters:
  ///   - prompts: the tokens of the header's prompts.
  ///   - policies: those that the header names.
  ///   - drafter: makes one of the draft model; nil where there is none.
  ///   - resources: what the policies go by.
  init(
    _ header: ReportHeader, prompts: [[TokenID]], policies: [PolicyChoice],
    target: any LanguageModel, drafter: @escaping () throws -> (any Drafter)?,
    endOfSequence: Set<TokenID>, resources: PolicyResources
  ) {
    self.header = header
    self.prompts = prompts
    self.policies = policies
    self.drafter = drafter
    self.endOfSequence = endOfSequence
    self.resources = resources
    decoder = SpeculativeDecoder(target: target)
  }

  /// One run to come.
  private struct Task {
    var policy: PolicyChoice
    var temperature: Double
    var seed: UInt64
  }

  /// - Parameters:
  ///   - stops: asked after each round; a run that it ends is not recorded.
  ///   - record: gets each run when it is done.
  /// - Returns: whether all runs were made.
  func run(until stops: () -> Bool, record: (ReportRun) throws -> Void) throws -> Bool {
    try warmUp()
    let settings = header.settings
    var generator = SplitMix64(seed: settings.seeds.first ?? 0)
    for repetition in 0..<settings.repeats {
      for prompt in generator.permutation(of: prompts.count) {
        let tasks = settings.temperatures.flatMap { temperature in
          settings.seeds(temperature: temperature).flatMap { seed in
            policies.map { Task(policy: $0, temperature: temperature, seed: seed) }
          }
        }
        for index in generator.permutation(of: tasks.count) {
          guard !stops(), let run = try answer(prompt, tasks[index], repetition, until: stops)
          else { return false }
          try record(run)
        }
      }
    }
    return true
  }

  /// Answers one prompt; nil when it was stopped.
  private func answer(
    _ prompt: Int, _ task: Task, _ repetition: Int, until stops: () -> Bool
  ) throws -> ReportRun? {
    let learner = Learner(
      set: header.prompts[prompt].set, temperature: task.temperature, policy: task.policy)
    let policy = try learned[learner] ?? task.policy.policy(resources)
    var rounds: [RoundRecord] = []
    let begin = ContinuousClock.now
    let generation = try Generation(
      target: decoder.target, prompt: prompts[prompt],
      options: header.settings.options(
        temperature: task.temperature, seed: task.seed, request: prompt,
        endOfSequence: endOfSequence),
      drafter: task.policy.drafter(drafter()), policy: policy, rule: header.settings.rule)
    while generation.finishReason == nil {
      rounds.append(try decoder.round(generation).record)
      if stops() { return nil }
    }
    let seconds = (ContinuousClock.now - begin) / .seconds(1)
    learned[learner] = generation.policy
    return ReportRun(
      prompt: prompt, policy: task.policy.description, temperature: task.temperature,
      seed: task.seed, repetition: repetition, seconds: seconds, tokens: generation.answer.count,
      finishReason: generation.finishReason ?? .length,
      digest: ReportRun.digest(generation.answer), rounds: rounds)
  }

  /// The first forwards of a process touch memory for the first time; they count for nobody.
  private func warmUp() throws {
    guard let prompt = prompts.first else { return }
    for length in [0, 2] {
      let generation = try Generation(
        target: decoder.target, prompt: prompt, options: GenerationOptions(maxTokens: 6),
        drafter: drafter(), policy: FixedDraftLength(length))
      while generation.finishReason == nil { _ = try decoder.round(generation) }
    }
  }
}
