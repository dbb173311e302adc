import Decoding
import Support

@testable import foretoken

/// A report on models without weights.
struct ReportFixture {
  let header: ReportHeader
  let prompts: [[TokenID]]
  let policies: [PolicyChoice]
  let target = FakeModel(vocabularySize: 40, contextLength: 200, seed: 3)
  let draft: FakeModel

  init(
    _ names: [String] = ["fixed:1", "fixed:3", "hf-heuristic", "cost-aware"],
    temperatures: [Double] = [0], seeds: [UInt64] = [0], repeats: Int = 1,
    verification: VerificationChoice = .token, agreement: Double = 0.7
  ) throws {
    let target = target
    draft = FakeModel(vocabularySize: 40, contextLength: 200) { tokens in
      let right = target.logits(after: tokens)
      var generator = SeededGenerator(seed: UInt64(tokens.last ?? 0) &* 77 &+ UInt64(tokens.count))
      return Double.random(in: 0..<1, using: &generator) < agreement ? right : right.reversed()
    }
    policies = try [PolicyChoice.plain] + names.map { try PolicyChoice(parsing: $0) }
    prompts = (0..<4).map { [1, TokenID($0 + 2), 5] }
    header = ReportHeader(
      toolVersion: "test", started: "now", machine: MachineFacts(threads: 1),
      target: ModelFacts(path: "target", parameters: 1, dtype: "f32", sha256: "0"),
      settings: ReportSettings(
        temperatures: temperatures, seeds: seeds, repeats: repeats, maxTokens: 30,
        verification: verification),
      policies: policies.map(\.description),
      prompts: prompts.indices.map {
        ReportPrompt(set: $0 < 2 ? "even" : "odd", id: "\($0)", tokens: 3)
      },
      costs: CostModel(draftStep: 0.1, verify: [1, 1.1, 1.2, 1.3]))
  }

  /// Runs it, or as much of it as `limit` runs.
  func run(limit: Int = .max) throws -> (runs: [ReportRun], isComplete: Bool) {
    var runs: [ReportRun] = []
    let runner = ReportRunner(
      header, prompts: prompts, policies: policies, target: target,
      drafter: { [draft] in try ModelDrafter(model: draft) }, endOfSequence: [],
      resources: PolicyResources(costs: header.costs))
    let isComplete = try runner.run(until: { runs.count >= limit }) { runs.append($0) }
    return (runs, isComplete)
  }

  static func summary(_ header: ReportHeader, _ runs: [ReportRun]) -> ReportSummary {
    var fold = ReportFold(header)
    for run in runs { fold.add(run) }
    return fold.summary()
  }
}
