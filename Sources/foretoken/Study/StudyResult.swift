import Workload

/// What became of a scene: a line of the journal, and all that tables and pictures are made of.
struct StudyResult: Codable {
  /// Of the study, so that a line of another one is not taken for its own.
  var study: String
  var scene: StudyScene
  var arms: [Arm]

  /// Statistics are the mean and the percentiles of `ResampledStatistics.shares`, seconds.
  struct Measure: Codable {
    var values: [Double]
    /// By statistic, then by resample.
    var resamples: [[Float]]

    init(_ numbers: [Double], count: Int, seed: UInt64) {
      let statistics = ResampledStatistics(numbers, resamples: count, seed: seed)
      values = statistics.values
      resamples = values.indices.map { index in statistics.resamples.map { Float($0[index]) } }
    }
  }

  struct Arm: Codable {
    var arm: StudyArm
    var requests, finished, rejected, preemptions, wastedTokens, steps: Int
    var drafted, accepted: Int
    var makespan, attainment, goodput, outputTokensPerSecond, fairness, starvation: Double
    var kvUse: Double
    var latency, timeToFirstToken, timePerToken, slowdown: Measure
    /// Latency by hundredths of the requests, 0 to 100.
    var distribution: [Float]
    /// The middle of each span of time, mean requests waiting in it and share of the cache in use.
    var times, waiting, cache: [Float]
  }

  /// Runs every arm over the same arrivals.
  ///
  /// - Parameter requests: of the scene's trace, at a load of 1.
  init(
    _ scene: StudyScene, of study: StudyFile, fingerprint: String, trace: StudyFile.Trace,
    requests: [Workload.Request]
  ) throws {
    self.study = fingerprint
    self.scene = scene
    let arrivals = requests.map { request in
      var request = request
      request.arrival = Time(seconds: request.arrival.seconds / scene.load)
      return request
    }
    let lengths = requests.map(\.outputLength)
    let model = try study.times(trace)
    let speculation = try study.speculation?[scene.speculation].map {
      try study.model($0, seed: scene.seed)
    }
    arms = try study.arms().map { arm in
      let configuration = try study.configuration(
        blocks: scene.kvBlocks, lookahead: speculation?.draftLength.limit ?? 0)
      let policy = try study.policy(arm.policy)
      var ordering = policy.ordering
      if ordering is RandomOrder { ordering = RandomOrder(seed: scene.seed) }
      var simulation = try Simulation(
        Scheduler(configuration, ordering: ordering, admission: policy.admission),
        source: ListedRequests(arrivals),
        predictor: NamedPredictor(arm.predictor).predictor(lengths: lengths, seed: scene.seed),
        model: model, speculation: speculation,
        observer: Both(ServiceMetrics(), LoadTimeline(spans: 120)))
      simulation.jitterSeed = scene.seed
      try simulation.run()
      return Arm(
        arm, simulation.observer.first, simulation.observer.second, model: model,
        blocks: scene.kvBlocks,
        tokenBudget: configuration.tokenBudget, study: study)
    }
  }
}

extension StudyResult.Arm {
  fileprivate init(
    _ arm: StudyArm, _ metrics: ServiceMetrics, _ timeline: LoadTimeline, model: StepTimeModel,
    blocks: Int,
    tokenBudget: Int, study: StudyFile
  ) {
    self.arm = arm
    let summary = ServiceSummary(
      metrics, model: model, tokenBudget: tokenBudget,
      objective: .init(
        timeToFirstToken: study.sloTtft ?? 1, timePerToken: (study.sloTpot ?? 100) / 1e3))
    requests = summary.requests
    finished = summary.finished
    rejected = summary.rejected
    preemptions = summary.preemptions
    wastedTokens = summary.wastedTokens
    steps = summary.totals.steps
    drafted = summary.totals.drafted
    accepted = summary.totals.accepted
    makespan = summary.makespan
    attainment = summary.attainment
    goodput = summary.goodput
    outputTokensPerSecond = summary.outputTokensPerSecond
    fairness = summary.fairness
    starvation = summary.starvation
    kvUse = summary.totals.meanUse(blocks: blocks)
    func measure(_ number: (RequestRecord) -> Double) -> StudyResult.Measure {
      // One seed for all runs: the same stretches of traffic everywhere.
      StudyResult.Measure(
        metrics.records.map { $0.ending == .finished ? number($0) : .nan },
        count: study.resamples ?? 200, seed: 1)
    }
    latency = measure(\.latency)
    timeToFirstToken = measure(\.timeToFirstToken)
    timePerToken = measure(\.timePerToken)
    slowdown = measure { record in
      record.latency
        / model.alone(
          input: Int(record.inputLength), output: Int(record.outputLength),
          tokenBudget: tokenBudget
        ).seconds
    }
    distribution = (0...100).map { Float(summary.latency[Double($0) / 100]) }
    let points = timeline.points
    times = points.map { Float($0.seconds) }
    waiting = points.map { Float($0.waiting) }
    cache = points.map { Float($0.blocks / Double(blocks)) }
  }
}
