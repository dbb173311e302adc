import Decoding
import Serving
import Support
import Testing
import Workload

@Suite struct ModelEngineTests {
  @Test func `A trace runs through a model in real time: every token once, nothing left open`()
    throws
  {
    let requests = (0..<12).map { id in
      Request(
        id: id, arrival: id < 11 ? .zero : Time(milliseconds: 20), inputLength: 3 + 5 * (id % 4),
        outputLength: 20 + id % 5)
    }
    var configuration = SchedulerConfiguration()
    configuration.tokenBudget = 16
    configuration.maximumRunning = 4
    configuration.blockSize = 4
    configuration.blockCount = 16
    let model = FakeModel(vocabularySize: 11, seed: 5)
    var live = try LiveRun(
      Scheduler(configuration), source: ListedRequests(requests),
      engine: ModelEngine(decoder: SpeculativeDecoder(target: model)), observer: ServiceMetrics())
    try live.run()
    let metrics = live.observer
    #expect(metrics.records.allSatisfy { $0.ending == .finished })
    #expect(metrics.records.map { Int($0.outputLength) } == requests.map(\.outputLength))
    #expect(metrics.totals.steps == model.forwards && model.openSequences == 0)
    let wasted = metrics.records.reduce(0) { $0 + Int($1.wasted) }
    #expect(wasted > 0)
    #expect(
      metrics.totals.prefillTokens + metrics.totals.decodeTokens
        == requests.reduce(0) { $0 + $1.inputLength + $1.outputLength - 1 } + wasted)
    for (record, request) in zip(metrics.records, requests) {
      #expect(record.arrival == request.arrival && record.admitted >= record.arrival)
    }
    #expect(metrics.totals.end > Time(milliseconds: 20))
  }

  /// Keeps the generations of a run.
  private final class Kept {
    var generations: [Int: Generation] = [:]
  }

  @Test(
    "An answer is what it would be alone, whoever shares its steps", arguments: [0, 3],
    PreemptionKind.allCases)
  func answers(_ drafts: Int, _ kind: PreemptionKind) throws {
    let target = FakeModel(vocabularySize: 11, seed: 5)
    let draft = FakeModel(vocabularySize: 11, seed: 5)
    let decoder = SpeculativeDecoder(target: target)
    let kept = Kept()
    func generation(_ request: Request, drafts: Int) throws -> Generation {
      try Generation(
        target: target,
        prompt: (0..<request.inputLength).map { TokenID((7 * request.id + $0) % 11) },
        options: GenerationOptions(
          sampling: SamplingOptions(temperature: 0.8, seed: 3), maxTokens: 40,
          endOfSequence: [2], request: UInt64(request.id)),
        drafter: drafts > 0 ? ModelDrafter(model: draft) : nil,
        policy: FixedDraftLength(drafts), rule: CoupledVerification())
    }
    let requests = (0..<9).map {
      Request(id: $0, arrival: .zero, inputLength: 3 + 2 * $0, outputLength: 1)
    }
    var configuration = SchedulerConfiguration()
    configuration.tokenBudget = 12
    configuration.maximumRunning = 4
    configuration.blockSize = 4
    configuration.blockCount = 14
    configuration.lookahead = drafts
    configuration.preemption = kind
    var live = try LiveRun(
      Scheduler(configuration), source: ListedRequests(requests),
      engine: ModelEngine(decoder: decoder) { request in
        let made = try generation(request, drafts: drafts)
        kept.generations[request.id] = made
        return made
      }, observer: ServiceMetrics())
    try live.run()
    let metrics = live.observer
    #expect(metrics.records.contains { $0.preemptions > 0 })
    #expect((metrics.totals.accepted > 0) == (drafts > 0))
    for (request, record) in zip(requests, metrics.records) {
      let alone = try generation(request, drafts: 0)
      while alone.finishReason == nil { _ = try decoder.round(alone) }
      #expect(kept.generations[request.id]?.answer == alone.answer)
      #expect(Int(record.outputLength) == alone.answer.count)
    }
  }

  @Test func `Each step has as many drafts as its batch is said to want`() throws {
    let target = FakeModel(vocabularySize: 11, seed: 5)
    let draft = FakeModel(vocabularySize: 11, seed: 5)
    let requests = (0..<6).map {
      Request(
        id: $0, arrival: .zero, inputLength: 3 + $0, outputLength: 12 + 7 * $0)
    }
    var configuration = SchedulerConfiguration()
    configuration.lookahead = 3
    func wanted(_ shape: StepShape) -> Int { shape.decodes > 2 ? 0 : 3 - shape.decodes }
    var live = try LiveRun(
      Scheduler(configuration), source: ListedRequests(requests),
      engine: ModelEngine(
        decoder: SpeculativeDecoder(target: target), drafts: wanted,
        drafter: { try ModelDrafter(model: draft) }), observer: StepLog())
    try live.run()
    let steps = live.observer.steps
    // Near its end an answer has no room for all of them.
    #expect(steps.allSatisfy { $0.drafted <= wanted($0.shape) * $0.shape.decodes })
    #expect(steps.contains { $0.shape.decodes > 2 } && steps.contains { $0.shape.decodes == 2 })
    // The draft is the target, so that everything is accepted.
    #expect(steps.contains { $0.shape.decodes == 1 && $0.drafted == 2 && $0.accepted == 2 })
  }

  private struct StepLog: SimulationObserver {
    var steps: [StepRun] = []
    mutating func observe(_ run: StepRun) { steps.append(run) }
  }

  /// States of two numbers, as `FakeModel` has them, beside answers of 5 to 59 tokens.
  private static let examples = (5..<60).map { size in
    StateLengthExample(
      row: LengthRow(
        model: "m", dataset: "d", prompt: "\(size)", inputSize: 3,
        responses: [Response(length: size)],
        decoding: DecodingSettings(topK: 0, topP: 1, temperature: 1), generationTime: 1),
      opening: [3, Float(size)],
      later: [
        stride(from: 8, to: size, by: 8).map {
          StateLengthExample.State(generated: $0, hidden: [Float($0), Float(size % 7)])
        }
      ])
  }

  @Test func `Predictions are renewed from the states, at the opening and as tokens come`() throws {
    let model = try StateLengthModel.train(Self.examples)
    let target = FakeModel(vocabularySize: 11, seed: 5)
    var engine = ModelEngine(
      decoder: SpeculativeDecoder(target: target), forecasts: StateForecasts(model)
    ) { request in
      try Generation(
        target: target, prompt: [1, 2, 3],
        options: GenerationOptions(maxTokens: request.outputLength, stateInterval: 8))
    }
    let request = Request(id: 4, arrival: .zero, inputLength: 3, outputLength: 20)
    var scheduler = try Scheduler(SchedulerConfiguration())
    _ = scheduler.submit(request, prediction: nil, at: .zero)
    try engine.begin(request)
    var plan = StepPlan()
    var renewed: [Int: LengthPrediction] = [:]
    for step in 0..<20 {
      scheduler.schedule(at: .zero, into: &plan)
      let result = try #require(try engine.run(plan, of: scheduler).first)
      renewed[step] = result.prediction
      #expect(result.isFinished == (step == 19))
      scheduler.complete(plan, at: .zero) { _, _ in
        Scheduler.Outcome(tokens: result.tokens, isFinished: result.isFinished)
      }
    }
    #expect(renewed.keys.sorted() == [0, 8, 16])
    // A length, not a rest: never less than what is there.
    for (step, prediction) in renewed { #expect(prediction.quantiles.min() > Float(step)) }
  }

  @Test func `A request past the model's context is refused`() throws {
    let request = Request(id: 0, arrival: .zero, inputLength: 60, outputLength: 5)
    var live = try LiveRun(
      Scheduler(SchedulerConfiguration()), source: ListedRequests([request]),
      engine: ModelEngine(
        decoder: SpeculativeDecoder(target: FakeModel(vocabularySize: 7, seed: 1))),
      observer: EventLog())
    #expect(throws: GenerationError.self) { try live.run() }
  }

  @Test func `Measured steps are of many shapes and determine the coefficients`() throws {
    var measurement = StepMeasurement()
    measurement.longestOutput = 8
    let steps = try measurement.run(
      target: FakeModel(vocabularySize: 7, contextLength: 64, seed: 1))
    #expect(steps.contains { $0.shape.decodes == 1 && $0.shape.prefillTokens == 0 })
    #expect(steps.contains { $0.shape.decodes > 8 })
    #expect(steps.contains { $0.shape.decodes > 0 && $0.shape.prefillTokens > 16 })
    for decodes in 1...16 { #expect(steps.contains { $0.shape.decodes == decodes }) }
    #expect(try StepTimeModel.fit(steps).jitter.count == steps.count)
  }
}
