import Decoding
import FoundationEssentials
import Learning
import Support
import Testing

/// SpecDec++ against a PyTorch copy of its head and its published loop; what heads are trained on.
@Suite struct HeadTests {
  struct Reference: Decodable {
    struct Trace: Decodable {
      var states: [[Float]]
      var acceptance: [Double]
      var stops: [Int]
    }
    var width: Int
    var depth: Int
    var thresholds: [Double]
    var block_weight: [Float]
    var block_bias: [Float]
    var output_weight: [Float]
    var output_bias: [Float]
    var traces: [Trace]

    static func read() throws -> Reference {
      let path = Fixture.path("specdec-head.json")
      return try JSONDecoder().decode(Reference.self, from: Data(contentsOf: URL(filePath: path)))
    }

    var head: DenseNetwork {
      get throws {
        try DenseNetwork(
          .specDecPlusPlusHead(width: width, depth: depth),
          tensors: [
            "0.weight": NamedTensor(shape: [width, width], values: block_weight),
            "0.bias": NamedTensor(shape: [width], values: block_bias),
            "1.weight": NamedTensor(shape: [2, width], values: output_weight),
            "1.bias": NamedTensor(shape: [2], values: output_bias),
          ])
      }
    }
  }

  @Test func `The head predicts what PyTorch's does`() throws {
    let reference = try Reference.read()
    var policy = SpecDecPlusPlus(head: try reference.head)
    var worst = 0.0
    for trace in reference.traces {
      for (state, expected) in zip(trace.states, trace.acceptance) {
        worst = max(worst, abs(policy.acceptance(state) - expected))
      }
    }
    #expect(worst < 1e-5)
  }

  @Test func `Drafts stop where the published loop stops them`() throws {
    let reference = try Reference.read()
    let head = try reference.head
    for trace in reference.traces {
      for (threshold, expected) in zip(reference.thresholds, trace.stops) {
        var policy = SpecDecPlusPlus(head: head, threshold: threshold)
        var state = DraftState(position: 10, room: 100)
        while policy.scoresAnother(state) {
          // The state that step k reads is that of the token fed in it.
          let evidence = DraftEvidence(hidden: trace.states[state.candidates.count])
          state.candidates.append(DrawnCandidate(token: 1, probability: 0.5, evidence: evidence))
        }
        #expect(state.candidates.count == expected)
      }
    }
  }

  @Test func `Collected samples have each candidate's states and its true acceptance`() throws {
    let (target, draft) = (
      FakeModel(vocabularySize: 6, contextLength: 200, seed: 1),
      FakeModel(vocabularySize: 6, contextLength: 200, seed: 2)
    )
    let options = GenerationOptions(
      sampling: SamplingOptions(temperature: 1, seed: 4), maxTokens: 61)
    let generation = try Generation(
      target: target, prompt: [1, 2], options: options, drafter: ModelDrafter(model: draft),
      policy: SampleCollector(length: 4))
    let decoder = SpeculativeDecoder(target: target)
    var records: [RoundRecord] = []
    while generation.finishReason == nil {
      records.append(try decoder.round(generation).record)
    }
    let samples = (generation.policy as? SampleCollector)?.samples ?? []
    // Of a draft that filled the room the last candidate is missing.
    func known(_ round: RoundRecord) -> Int {
      let room = 2 + 61 - round.position - 1
      return room > 0 && round.candidates.count == room ? room - 1 : round.candidates.count
    }
    #expect(samples.count == records.reduce(0) { $0 + known($1) } && samples.count > 40)
    #expect(
      samples.count { $0.outcome == .kept }
        == records.reduce(0) { $0 + min($1.accepted, known($1)) })
    let unreached = samples.filter { $0.outcome == .unreached }
    #expect(!unreached.isEmpty && unreached.allSatisfy { $0.acceptance == 0 && $0.depth > 0 })
    for sample in samples {
      // The fake's state says how many tokens it stands behind, and the last of them.
      #expect(sample.before.count == 2)
      if let after = sample.after { #expect(after[0] == sample.before[0] + 1) }
      #expect((sample.after == nil) == (sample.nextSummary == nil))
      #expect(0...1 ~= sample.acceptance)
    }
    #expect(Set(samples.map(\.depth)) == [0, 1, 2, 3])
  }

  @Test func `Teacher-forced labels are right on average: q-weighted acceptance is the overlap`()
    throws
  {
    // With one distribution everywhere, the mean label of drafted tokens is sum(min(p, q)).
    let (p, q) = ([0.5, 0.3, 0.2], [0.2, 0.3, 0.5])
    let forcing = TeacherForcing(
      target: FakeModel(probabilities: p), draft: FakeModel(probabilities: q))
    var chance: any ChanceSource = SeededChance(seed: 1, request: 0)
    var labels: [Double] = []
    for request in 0..<200 as Range<UInt64> {
      chance = SeededChance(seed: 1, request: request)
      let samples = try forcing.samples(
        prompt: [0], answer: Array(repeating: 1, count: 30), chance: &chance)
      labels += samples.map(\.acceptance)
    }
    let share = Double(labels.count) / 6000
    #expect(abs(share - 0.85) < 0.02)
    #expect(abs(labels.reduce(0, +) / Double(labels.count) - 0.7) < 0.02)
  }

  /// Rounds of three candidates that are kept with the draft's own probability.
  private static func rounds(_ count: Int, seed: UInt64) -> [HeadSample] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).flatMap { _ in
      (0..<3).map { depth -> HeadSample in
        let top = Double.random(in: 0.1...0.95, using: &generator)
        let summary = LogitsSummary(
          topProbability: top, secondProbability: (1 - top) / 2, entropy: 2 * (1 - top))
        let isKept = Double.random(in: 0..<1, using: &generator) < top
        return HeadSample(
          before: [], after: depth < 2 ? [] : nil, acceptance: isKept ? 1 : 0,
          outcome: isKept ? .kept : .rejected, depth: depth, temperature: 1, confidence: top,
          summary: summary, nextSummary: depth < 2 ? summary : nil)
      }
    }
  }

  @Test func `Estimates of held-out rounds come true, each and as a whole`() throws {
    var estimator = try HeadTraining().estimator(
      Self.rounds(2000, seed: 1), heldOut: Self.rounds(1000, seed: 2), heads: nil)
    #expect(estimator.temperatures?.beforeDraw.temperatures.count == 3)
    #expect(estimator.temperatures?.afterFeeding.temperatures.count == 2)
    var (before, after): ([Double], [Double]) = ([], [])
    var (outcomes, fedOutcomes): ([Double], [Double]) = ([], [])
    for sample in Self.rounds(3000, seed: 3) {
      let estimates = estimator.replay(sample, nil)
      before.append(estimates.beforeDraw)
      outcomes.append(sample.acceptance)
      guard let estimate = estimates.afterFeeding else { continue }
      after.append(estimate)
      fedOutcomes.append(sample.acceptance)
    }
    for (predictions, truth) in [(before, outcomes), (after, fedOutcomes)] {
      let forecasts = try BinaryForecasts(probabilities: predictions, outcomes: truth)
      #expect(forecasts.expectedCalibrationError() < 0.03)
      #expect(forecasts.areaUnderCurve ?? 0 > 0.7)
    }
  }

  /// Candidates whose state says nothing, and that are kept more often the colder they are drawn.
  private static func samples(_ count: Int, seed: UInt64) -> [HeadSample] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { index in
      let top = Double.random(in: 0.1...0.95, using: &generator)
      let temperature = Bool.random(using: &generator) ? 1.0 : 0
      let summary = LogitsSummary(
        topProbability: top, secondProbability: (1 - top) / 2, entropy: 2 * (1 - top))
      let state = (0..<2).map { _ in Float.random(in: -1...1, using: &generator) }
      let chance = temperature == 0 ? top : 0.3
      let isKept = Double.random(in: 0..<1, using: &generator) < chance
      return HeadSample(
        before: state, after: state, acceptance: isKept ? 1 : 0,
        outcome: isKept ? .kept : .rejected, depth: index % 3,
        temperature: temperature, confidence: top, summary: summary, nextSummary: summary)
    }
  }

  @Test func `Trees find what the draft's shape and the temperature say beyond a state`() throws {
    var training = HeadTraining()
    training.epochs = 2
    let samples = Self.samples(6000, seed: 5)
    let heads = try training.heads(samples, heldOut: Self.samples(1500, seed: 6)) { _, _, _ in }
    #expect(heads.trees != nil)
    let few = try training.heads(
      Array(samples.prefix(HeadTraining.fewestForTrees - 1)), heldOut: []
    ) { _, _, _ in }
    #expect(few.trees == nil)
    var estimator = try training.estimator(
      samples, heldOut: Self.samples(1500, seed: 6), heads: heads)
    var (before, after, outcomes): ([Double], [Double], [Double]) = ([], [], [])
    for sample in Self.samples(4000, seed: 7) {
      let estimates = estimator.replay(sample, heads)
      before.append(estimates.beforeDraw)
      after.append(try #require(estimates.afterFeeding))
      outcomes.append(sample.acceptance)
    }
    for predictions in [before, after] {
      let forecasts = try BinaryForecasts(probabilities: predictions, outcomes: outcomes)
      #expect(forecasts.expectedCalibrationError() < 0.04)
      #expect(forecasts.areaUnderCurve ?? 0 > 0.7)
    }
  }

  @Test func `Of an older estimator only what still means the same is taken`() throws {
    let trained = try HeadTraining().estimator(Self.rounds(200, seed: 4), heads: nil)
    let data = try JSONEncoder().encode(trained)
    let same = try JSONDecoder().decode(AcceptanceEstimator.self, from: data)
    #expect(same.afterFeeding == trained.afterFeeding && same.beforeDraw == trained.beforeDraw)
    let text = String(decoding: data, as: UTF8.self)
      .replacing("\"version\":2", with: "\"version\":1")
    let older = try JSONDecoder().decode(AcceptanceEstimator.self, from: Data(text.utf8))
    #expect(older.beforeDraw == trained.beforeDraw)
    #expect(older.afterFeeding == AcceptanceEstimator().afterFeeding)
  }

  @Test func `Heads add to the cost-aware policy and leave the law as it is`() throws {
    let layers = [Layer].multilayer([2, 4, 1])
    let heads = AcceptanceHeads(
      beforeDraw: try DenseNetwork(layers, seed: 1), afterFeeding: try DenseNetwork(layers, seed: 2)
    )
    let specdec = try DenseNetwork(.specDecPlusPlusHead(width: 2), seed: 3)
    let (target, draft) = (
      FakeModel(vocabularySize: 3, seed: 1), FakeModel(vocabularySize: 3, seed: 2)
    )
    let options = GenerationOptions(
      sampling: SamplingOptions(temperature: 1), maxTokens: 5, endOfSequence: [0])
    let plain = PlainLaw(target: target, prompt: [1], options: options).law
    let policies: [any DraftLengthPolicy] = [
      CostAwareDraftLength(costs: ExactLawTests.costs, heads: heads),
      SpecDecPlusPlus(head: specdec, threshold: 0.4, bounds: 1...4), SampleCollector(length: 2),
    ]
    for policy in policies {
      let law = try Enumeration.law { chance in
        try answer(
          target: target, prompt: [1], options: options, drafter: ModelDrafter(model: draft),
          policy: policy, chance: chance)
      }
      #expect(totalVariation(law, plain) < 1e-10, "\(policy.name)")
    }
  }
}
