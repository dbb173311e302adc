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
      engine: ModelEngine(target: model), observer: ServiceMetrics())
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

  @Test func `A request past the model's context is refused`() throws {
    let request = Request(id: 0, arrival: .zero, inputLength: 60, outputLength: 5)
    var live = try LiveRun(
      Scheduler(SchedulerConfiguration()), source: ListedRequests([request]),
      engine: ModelEngine(target: FakeModel(vocabularySize: 7, seed: 1)), observer: EventLog())
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
    #expect(try StepTimeModel.fit(steps).jitter.count == steps.count)
  }
}
