import Decoding
import Reporting

/// What the runs of a report tell about its oracle: which of the draft's tokens are kept, place by
/// place, and what steps cost.
struct OracleEvidence {
  /// A text that does not depend on what is drafted.
  struct Text: Hashable {
    var prompt: Int
    var temperature: Double
    var seed: UInt64
  }

  private var kept: [Text: [Int: Bool]] = [:]
  private var answers: [Text: Int] = [:]
  /// Seconds, of rounds after the one in which the draft read the prompt.
  private var draftSteps: [Double] = []
  private var overheads: [Double] = []
  private var promptSeconds: [Text: [Double]] = [:]
  private var draftPromptSeconds: [Text: [Double]] = [:]

  /// Adds a run of a model's draft, or of plain decoding.
  mutating func add(_ run: ReportRun, promptCount: Int) {
    let text = Text(prompt: run.prompt, temperature: run.temperature, seed: run.seed)
    answers[text] = run.tokens
    var hasRead = false
    for round in run.rounds {
      guard !round.isPrefill else {
        promptSeconds[text, default: []].append(round.seconds.total)
        continue
      }
      overheads.append(round.seconds.accept)
      // Behind the first rejected candidate nothing was asked in the text's own context.
      for index in 0..<min(round.accepted + 1, round.candidates.count) {
        kept[text, default: [:]][round.position - promptCount + index] = index < round.accepted
      }
      guard let count = Double(exactly: round.candidates.count), count > 0 else { continue }
      if hasRead {
        draftSteps.append((round.seconds.draft - round.seconds.policy) / count)
      } else {
        draftPromptSeconds[text, default: []].append(round.seconds.draft)
      }
      hasRead = true
    }
  }

  /// How much faster than plain decoding the oracle is on these prompts, by the medians of what steps
  /// took; where no policy asked the draft, it counts as wrong.
  func speedup(
    prompts: Set<Int>, temperature: Double, _ lengths: [Int], verify: [ReportSummary.VerifyCost],
    _ bootstrap: Bootstrap
  ) -> Estimate? {
    guard let draftStep = Sample(draftSteps).median, let curve = Self.curve(verify) else {
      return nil
    }
    let oracle = Oracle(
      costs: CostModel(
        draftStep: draftStep, verify: curve, overhead: Sample(overheads).median ?? 0))
    let texts = answers.keys.filter {
      prompts.contains($0.prompt) && $0.temperature == temperature
    }.sorted { ($0.prompt, $0.seed) < ($1.prompt, $1.seed) }
    let rows = texts.map { text -> [Double] in
      let keeps = (0..<(answers[text] ?? 0)).map { kept[text]?[$0] ?? false }
      let reading = Sample(promptSeconds[text] ?? []).median ?? 0
      let drafts = keeps.contains(true)
      let draftReading = drafts ? Sample(draftPromptSeconds[text] ?? []).minimum ?? 0 : 0
      let rounds = Double(max(0, keeps.count - 1))
      return [
        reading + rounds * oracle.roundSeconds(drafting: 0, context: 0),
        reading + max(0, draftReading - draftStep)
          + oracle.seconds(keeps: keeps, promptCount: lengths[text.prompt]),
      ]
    }
    return bootstrap.ratio(of: rows.map { $0[0] }, to: rows.map { $0[1] })
  }

  /// V(1), V(2), ... with those that no round had on the line between their neighbours.
  private static func curve(_ costs: [ReportSummary.VerifyCost]) -> [Double]? {
    guard let first = costs.first, first.tokens == 1, costs.count > 1 else { return nil }
    var curve: [Double] = [first.median]
    for (before, after) in zip(costs, costs.dropFirst()) {
      let steps = Double(after.tokens - before.tokens)
      for step in 1...(after.tokens - before.tokens) {
        let share = Double(step) / steps
        curve.append(before.median + share * (after.median - before.median))
      }
    }
    return curve
  }
}
