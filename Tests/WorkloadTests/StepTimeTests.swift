import Testing
import Workload

@Suite struct StepTimeTests {
  static func shape(_ prefill: Int, _ before: Int, _ decodes: Int, _ context: Int) -> StepShape {
    var shape = StepShape()
    shape.prefillTokens = prefill
    shape.prefillContext = prefill * before + prefill * (prefill + 1) / 2
    shape.decodes = decodes
    shape.decodeContext = decodes * context
    return shape
  }

  static func shapes(_ count: Int) -> [StepShape] {
    var random = RandomSource(seed: 6)
    return (0..<count).map { _ in
      shape(
        Int.random(in: 0...1, using: &random) * Int.random(in: 1...2048, using: &random),
        Int.random(in: 0...4000, using: &random), Int.random(in: 0...128, using: &random),
        Int.random(in: 1...4000, using: &random))
    }
  }

  @Test func `A fit finds the coefficients that made the steps`() throws {
    var truth = StepTimeModel(
      overhead: 9e-3, prefillToken: 7e-5, prefillContext: 2e-9, decode: 3e-5, decodeContext: 2e-7)
    truth.knees = [.init(tokens: 256, slope: Time(seconds: 5e-5))]
    let steps = Self.shapes(400).map {
      StepTimeModel.MeasuredStep(shape: $0, seconds: truth.duration($0).seconds)
    }
    let fit = try StepTimeModel.fit(steps, knees: [64, 256])
    for shape in Self.shapes(50) {
      #expect(abs(fit.duration(shape).seconds / truth.duration(shape).seconds - 1) < 1e-4)
    }
    #expect(fit.jitter.allSatisfy { abs($0 - 1) < 1e-3 })
    #expect(fit.knees.contains { $0.tokens == 256 })
  }

  @Test
  func `A token's price may fall past a knee, and noise that mostly slows is not averaged away`()
    throws
  {
    var truth = StepTimeModel(
      overhead: 4e-3, prefillToken: 9e-4, prefillContext: 3e-7, decode: 1e-3, decodeContext: 2e-6)
    truth.knees = [
      .init(tokens: 16, slope: Time(seconds: -3e-4)), .init(tokens: 64, slope: Time(seconds: 1e-4)),
    ]
    var random = RandomSource(seed: 9)
    func steps(noise: Double) -> [StepTimeModel.MeasuredStep] {
      Self.shapes(3000).map { shape in
        // One step in four takes up to so much longer.
        let slowed = random.uniform() < 0.25 ? 1 + noise * random.uniform() : 1
        return .init(shape: shape, seconds: truth.duration(shape).seconds * slowed)
      }
    }
    let exact = try StepTimeModel.fit(steps(noise: 0), knees: [4, 16, 64])
    for shape in Self.shapes(50) {
      #expect(abs(exact.duration(shape).seconds / truth.duration(shape).seconds - 1) < 1e-4)
    }
    let uneven = steps(noise: 2)
    let fit = try StepTimeModel.fit(uneven, knees: [4, 16, 64])
    let ratio =
      uneven.reduce(0) { $0 + $1.seconds }
      / uneven.reduce(0) { $0 + fit.duration($1.shape).seconds }
    #expect(abs(ratio - 1) < 0.02)
  }

  @Test func `What the steps do not tell is zero, and nothing is below zero`() throws {
    // Pure decodes of one size: overhead and decodes cannot be told apart, prompts never came.
    let steps = (1...20).map {
      StepTimeModel.MeasuredStep(shape: Self.shape(0, 0, 8, $0 * 100), seconds: 0.02)
    }
    let fit = try StepTimeModel.fit(steps)
    #expect(fit.prefillToken == .zero && fit.prefillContext == .zero)
    #expect(abs(fit.duration(Self.shape(0, 0, 8, 500)).seconds - 0.02) < 1e-6)
    // Longer contexts that take less time do not make a negative price.
    let falling = (1...20).map {
      StepTimeModel.MeasuredStep(
        shape: Self.shape(0, 0, 8, $0 * 100), seconds: 0.02 - Double($0) * 1e-4)
    }
    #expect(try StepTimeModel.fit(falling).decodeContext == .zero)
    #expect(throws: WorkloadError.self) { try StepTimeModel.fit([]) }
  }

  @Test func `A row of steps sums to what its steps sum to`() {
    let model = RandomWorkload.model
    var shape = Self.shape(0, 0, 7, 300)
    var total = Time.zero
    var features = StepFeatures(knees: [4])
    var single = StepFeatures(knees: [4])
    features.add(shape, count: 90)
    for _ in 0..<90 {
      total += model.duration(shape)
      single.add(shape)
      shape.decodeContext += shape.decodes
    }
    let first = model.duration(Self.shape(0, 0, 7, 300)).picoseconds
    let increment = model.increment(shape).picoseconds
    #expect(total.picoseconds == first * 90 + increment * 90 * 89 / 2)
    #expect(features == single)
  }

  @Test func `A request log gives back the step times that made it`() throws {
    let truth = StepTimeModel(
      overhead: 8e-3, prefillToken: 6e-5, prefillContext: 0, decode: 1e-4, decodeContext: 2e-7)
    var random = RandomSource(seed: 12)
    var clock = 0.0
    let requests = (0..<120).map { id in
      clock += random.exponential() / 12
      return Request(
        id: id, arrival: Time(seconds: clock), inputLength: Int.random(in: 5...900, using: &random),
        outputLength: Int.random(in: 2...200, using: &random))
    }
    var simulation = try Simulation(
      Scheduler(SchedulerConfiguration()), source: ListedRequests(requests), model: truth,
      observer: ServiceMetrics())
    try simulation.run()
    let log = zip(requests, simulation.observer.records).map {
      RequestLogFit.Observation(request: $0, firstToken: $1.firstToken, lastToken: $1.end)
    }
    let start = StepTimeModel(
      overhead: 2e-2, prefillToken: 1e-5, prefillContext: 1e-9, decode: 3e-5, decodeContext: 1e-7)
    let fit = try RequestLogFit(
      log, isFitted: { $0 % 2 == 0 }, configuration: SchedulerConfiguration(), start: start)
    // Some products cannot be told apart within one run; what they add up to can.
    var replay = try Simulation(
      Scheduler(SchedulerConfiguration()), source: ListedRequests(requests), model: fit.model,
      observer: ServiceMetrics())
    try replay.run()
    func mean(_ records: [RequestRecord]) -> Double {
      let heldOut = records.enumerated().filter { $0.offset % 2 == 1 }.map(\.element.latency)
      return heldOut.reduce(0, +) / Double(heldOut.count)
    }
    let (real, ours) = (mean(simulation.observer.records), mean(replay.observer.records))
    #expect(abs(ours / real - 1) < 0.02)
    #expect(abs((fit.convergence.last ?? 0) - 1) < 0.005)
  }

  @Test func `A request log is read in order of arrival, its clock from the first one on`() throws {
    let lines = [
      #"{"id": "b", "input_toks": 7, "output_toks": 2, "queued_ts": 1000.5, "#
        + #""first_token_ts": 1001.25, "last_token_ts": 1002}"#,
      #"{"input_toks": 3, "output_toks": 1, "queued_ts": 1000.000000001, "#
        + #""first_token_ts": 1000.75, "last_token_ts": 1000.75, "note": [1, 2]}"#,
    ]
    let log = try RequestLog(BytesInMemory(lines.joined(separator: "\n")), name: "log")
    #expect(log.observations.map(\.request.inputLength) == [3, 7])
    #expect(
      log.observations.map(\.request.arrival.picoseconds) == [0, 499_999_999_000])
    #expect(log.observations[1].lastToken.picoseconds == 1_999_999_999_000)
  }

  @Test func `A request came before the engine looked for it, by another clock`() throws {
    // Steps end at 500.2 and 500.4: what comes in between is queued then. The clocks differ by
    // 1,000,000 seconds and the least way from one to the other.
    let lines = [
      (1_000_500.000, 500.002, 500.002, 500.2), (1_000_500.1, 500.2, 500.2, 500.6),
      (1_000_500.15, 500.2, 500.4, 500.8),
    ].map { came, queued, scheduled, first in
      "{\"input_toks\": 7, \"output_toks\": 2, \"arrival_time\": \(came), \"queued_ts\": \(queued), "
        + "\"scheduled_ts\": \(scheduled), \"first_token_ts\": \(first), \"last_token_ts\": 501}"
    }
    let log = try RequestLog(BytesInMemory(lines.joined(separator: "\n")), name: "log")
    func near(_ moments: [Time], _ seconds: [Double]) -> Bool {
      zip(moments, seconds).allSatisfy { abs($0.seconds - $1) < 1e-6 }
    }
    #expect(near(log.observations.map(\.request.arrival), [0, 0.1, 0.15]))
    #expect(near(log.observations.compactMap(\.scheduled), [0, 0.198, 0.398]))
    #expect(near(log.observations.map(\.firstToken), [0.198, 0.598, 0.798]))
  }

  @Test("Arrivals that cannot be are left out", arguments: ["1e12", "-3", "null", "\"noon\""])
  func badArrival(_ arrival: String) throws {
    let lines = ["5", arrival].enumerated().map { index, arrival in
      "{\"input_toks\": 7, \"output_toks\": 2, \"arrival_time\": \(arrival), "
        + "\"queued_ts\": \(index), \"scheduled_ts\": 1e40, \"first_token_ts\": 7999990, "
        + "\"last_token_ts\": 7999995}"
    }
    let log = try RequestLog(BytesInMemory(lines.joined(separator: "\n")), name: "log")
    #expect(log.observations.map(\.request.arrival) == [.zero, Time(seconds: 1)])
    #expect(log.observations.allSatisfy { $0.scheduled == nil })
  }

  @Test func `The steps before the first token tell what a prompt costs`() throws {
    // Prompts of one length, one after the other: nothing else says how a step and its prompt share.
    let truth = StepTimeModel(
      overhead: 1e-2, prefillToken: 5e-5, prefillContext: 0, decode: 0, decodeContext: 0)
    var configuration = SchedulerConfiguration()
    configuration.isPipelined = true
    var random = RandomSource(seed: 4)
    var clock = 0.0
    let requests = (0..<80).map { id in
      clock += 0.4 + random.uniform()
      return Request(
        id: id, arrival: Time(seconds: clock), inputLength: 100 + 10 * id, outputLength: 20)
    }
    var simulation = try Simulation(
      Scheduler(configuration), source: ListedRequests(requests), model: truth,
      observer: ServiceMetrics())
    try simulation.run()
    let records = simulation.observer.records
    func fit(says scheduled: Bool) throws -> StepTimeModel {
      let log = zip(requests, records).map { request, record in
        // An idle engine plans at once.
        RequestLogFit.Observation(
          request: request, scheduled: scheduled ? request.arrival : nil,
          firstToken: record.firstToken, lastToken: record.end)
      }
      return try RequestLogFit(log, configuration: configuration, start: truth).model
    }
    let alone = records.indices.filter { index in
      index == 0 || records[index - 1].end < records[index].arrival
    }
    #expect(alone.count == requests.count)
    let told = try fit(says: true)
    #expect(abs(told.prefillToken.seconds / 5e-5 - 1) < 0.01)
    #expect(abs(told.overhead.seconds / 1e-2 - 1) < 0.01)
    #expect(try fit(says: false).prefillToken == .zero)
  }

  @Test(
    "A line of a request log that cannot be is refused with its place",
    arguments: [
      "", "{", "[]", #"{"input_toks": 3}"#,
      #"{"input_toks":0,"output_toks":1,"queued_ts":1,"first_token_ts":2,"last_token_ts":3}"#,
      #"{"input_toks":1,"output_toks":1,"queued_ts":1,"first_token_ts":3,"last_token_ts":2}"#,
      #"{"input_toks":1,"output_toks":1,"queued_ts":-1,"first_token_ts":3,"last_token_ts":4}"#,
      #"{"input_toks":1,"output_toks":1,"queued_ts":1e30,"first_token_ts":1e30,"last_token_ts":1e30}"#,
    ])
  func damagedRequestLog(_ line: String) {
    let error = #expect(throws: WorkloadError.self) {
      try RequestLog(BytesInMemory("\n" + line), name: "log")
    }
    #expect(error?.description.contains(line.isEmpty ? "holds no request" : "log:2") == true)
  }

  @Test func `Speculation drafts less as the batch grows`() throws {
    let model = StepTimeModel(
      overhead: 1e-2, prefillToken: 0, prefillContext: 0, decode: 4e-4, decodeContext: 0)
    let speculation = try Speculation(
      .best(limit: 6), acceptance: 0.7, draftStep: Time(seconds: 1e-3))
    let drafts = [1, 4, 16, 64, 256].map {
      speculation.drafts(Self.shape(0, 0, $0, 10), model: model)
    }
    #expect(drafts == drafts.sorted(by: >))
    #expect(drafts[0] > 2 && drafts[4] == 0)
    let rates = (0..<4000).map {
      try? Speculation(.fixed(2), acceptance: 0.6, acceptanceDeviation: 0.2).rate(request: $0)
    }
    let mean = rates.compactMap(\.self).reduce(0, +) / 4000
    #expect(abs(mean - 0.6) < 0.015)
    let kept = (0..<20_000).map {
      speculation.accepted(of: 3, rate: 0.5, request: $0, position: 7)
    }
    // 0.5 + 0.25 + 0.125 of three drafts.
    #expect(abs(Double(kept.reduce(0, +)) / 20_000 - 0.875) < 0.03)
    #expect(throws: WorkloadError.self) { try Speculation(.fixed(65), acceptance: 0.5) }
    #expect(throws: WorkloadError.self) { try Speculation(.fixed(2), acceptance: 1.5) }
  }
}
