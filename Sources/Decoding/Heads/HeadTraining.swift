package import Learning

/// Trains the heads of a pair from samples, and scores them on prompts that were held out whole.
package struct HeadTraining: Sendable {
  /// Units of the hidden layer of our heads.
  package var hiddenUnits = 16
  package var epochs = 12
  package var seed: UInt64 = 1
  package var threads = 1
  /// SpecDec++'s published settings: rejections weigh 6, three applications of one block, AdamW at
  /// 5e-5 with a cosine after 3 % of warm-up, three epochs, batches of 32.
  package var rejectionWeight: Float = 6
  package var depth = 3

  package init() {}

  /// Called after every epoch of every network.
  package typealias Report = (_ name: String, _ epoch: EpochSummary, _ of: Int) -> Void

  /// SpecDec++'s head from teacher-forced samples.
  ///
  /// - Throws: `LearningError` for too few samples or a run that diverges.
  package func specDecPlusPlus(
    _ samples: [TeacherForcing.Sample], heldOut: [TeacherForcing.Sample], report: Report
  ) throws(LearningError) -> DenseNetwork {
    guard let width = samples.first?.hidden.count else {
      throw LearningError(.tooFewSamples, at: "teacher-forced samples", "there are none")
    }
    let network = try DenseNetwork(.specDecPlusPlusHead(width: width, depth: depth), seed: seed)
    let settings = TrainingSettings(
      epochs: 3, batchSize: 32, optimiser: AdamW.Settings(learningRate: 5e-5, weightDecay: 0),
      schedule: .cosine(warmup: 0.03), seed: seed)
    return try train(
      "specdec++", network,
      SoftLabelCrossEntropy(
        link: .twoClassSoftmax, rejectionWeight: rejectionWeight),
      (samples.map(\.hidden), samples.map(\.acceptance)),
      (heldOut.map(\.hidden), heldOut.map(\.acceptance)), settings, report)
  }

  /// Our heads from on-policy samples, unweighted, so that they say probabilities.
  ///
  /// The trees learn what a network is worth on prompts that it has not seen: each part of the
  /// samples is judged by a network that was trained on the others.
  package func heads(
    _ samples: [HeadSample], heldOut: [HeadSample], report: Report
  ) throws(LearningError) -> AcceptanceHeads {
    let samples = samples.filter { $0.outcome != .unreached }
    let heldOut = heldOut.filter { $0.outcome != .unreached }
    func network(
      _ samples: [HeadSample], _ name: String, _ state: (HeadSample) -> [Float]?
    ) throws(LearningError) -> DenseNetwork {
      let (rows, labels) = Self.rows(samples, state)
      guard let width = rows.first?.count else {
        throw LearningError(.tooFewSamples, at: "on-policy samples", "there are none")
      }
      let network = try DenseNetwork(
        .multilayer([width, hiddenUnits, 1]),
        standardisation: Standardisation(fitting: try Self.samples(rows, labels)),
        seed: seed)
      let settings = TrainingSettings(
        epochs: epochs, batchSize: 256,
        optimiser: AdamW.Settings(learningRate: 1e-3, weightDecay: 0.05),
        patience: heldOut.isEmpty ? nil : 3, seed: seed)
      return try train(
        name, network, SoftLabelCrossEntropy(), (rows, labels), Self.rows(heldOut, state), settings,
        report)
    }
    var heads = AcceptanceHeads(
      beforeDraw: try network(samples, "before the draw") { $0.before },
      afterFeeding: try network(samples, "after feeding") { $0.after })
    guard samples.count >= Self.fewestForTrees else { return heads }
    var (before, after): ([Double], [Double]) = ([], [])
    let parts = 4
    for part in 0..<parts {
      // In the order of prompts, so that a prompt is in one part (but for those at its ends).
      let range = samples.count * part / parts..<samples.count * (part + 1) / parts
      let others = Array(samples[..<range.lowerBound] + samples[range.upperBound...])
      let judges = AcceptanceHeads(
        beforeDraw: try network(others, "before the draw, part \(part + 1) left out") { $0.before },
        afterFeeding: try network(others, "after feeding, part \(part + 1) left out") { $0.after })
      let states = judges.states(samples[range])
      before += states.map(\.before)
      after += states.map(\.after)
    }
    let heldOutStates = heads.states(heldOut[...])
    heads.trees = AcceptanceHeads.Trees(
      beforeDraw: try trees(samples, before, heldOut, heldOutStates.map(\.before)) {
        $0.evidenceBefore(state: $1)
      },
      afterFeeding: try trees(samples, after, heldOut, heldOutStates.map(\.after)) {
        $0.evidenceAfter(state: $1)
      })
    return heads
  }

  /// Fewer samples are no ground for trees.
  package static let fewestForTrees = 2000

  /// - Parameter states: what a network says of each sample.
  private func trees(
    _ samples: [HeadSample], _ states: [Double], _ heldOut: [HeadSample],
    _ heldOutStates: [Double], _ evidence: (HeadSample, Double) -> [Float]?
  ) throws(LearningError) -> TreeEnsemble {
    func table(
      _ samples: [HeadSample], _ states: [Double]
    ) throws(LearningError) -> (features: FeatureTable, targets: [Float]) {
      var (table, labels): (FeatureTable?, [Float]) = (nil, [])
      for (sample, state) in zip(samples, states) {
        guard let row = evidence(sample, state) else { continue }
        if table == nil { table = FeatureTable(denseWidth: row.count) }
        try table?.append(dense: row)
        labels.append(Float(sample.acceptance))
      }
      return (table ?? FeatureTable(denseWidth: 1), labels)
    }
    let (training, held) = (try table(samples, states), try table(heldOut, heldOutStates))
    let isHeld = held.features.count > 0
    let booster = try GradientBooster(
      training: training.features, targets: training.targets,
      heldOut: isHeld ? (held.features, held.targets) : nil,
      settings: BoostingSettings(
        trees: 80, learningRate: 0.1, depth: 3, minimumLeafWeight: 10, penalty: 5,
        patience: isHeld ? 10 : nil, seed: seed))
    return try booster.fit(.logOdds)
  }

  /// The starting point of the cost-aware policy's estimates.
  ///
  /// Trees say chances already, and only the means of runs are learned, and what the chances of a
  /// round are worth together. Without them it is what the policy would have learned from these
  /// samples in their order, and then from those that were held out, of which the heads are not surer
  /// than they should be; temperatures are fitted to the latter.
  package func estimator(
    _ samples: [HeadSample], heldOut: [HeadSample] = [], heads: AcceptanceHeads?
  ) throws(LearningError) -> AcceptanceEstimator {
    if heads?.trees != nil {
      var replayed = AcceptanceEstimator(believingHeads: true)
      let unseen = heldOut.isEmpty ? samples : heldOut
      replayed.replay(unseen, heads)
      replayed.believeHeads()
      replayed.fitSurvival(unseen, heads)
      return replayed
    }
    var estimator = AcceptanceEstimator()
    estimator.replay(samples, heads)
    estimator.settle()
    guard !heldOut.isEmpty else { return estimator }
    for _ in 0..<2 { estimator.replay(heldOut, heads) }
    estimator.settle()
    var (before, after) = (RoundLogits(), RoundLogits())
    var pass = estimator
    for sample in heldOut {
      let estimates = pass.replay(sample, heads)
      guard sample.outcome != .unreached else { continue }
      before.add(estimates.beforeDraw, sample)
      if let estimate = estimates.afterFeeding { after.add(estimate, sample) }
    }
    // Few rounds are no ground for it.
    guard min(before.rounds.count, after.rounds.count) >= 200 else { return estimator }
    estimator.temperatures = AcceptanceEstimator.Temperatures(
      beforeDraw: try SequentialTemperatureScaling(fitting: before.rounds, objective: .logLoss),
      afterFeeding: try SequentialTemperatureScaling(fitting: after.rounds, objective: .logLoss))
    return estimator
  }

  /// Estimates of candidates, put together to the rounds that they are of.
  private struct RoundLogits {
    var rounds: [SequentialTemperatureScaling.Round] = []

    mutating func add(_ probability: Double, _ sample: HeadSample) {
      let last = rounds.count - 1
      if sample.depth > 0, last >= 0, rounds[last].logits.count == sample.depth {
        rounds[last].logits.append(.logit(probability))
        rounds[last].prefixOutcomes.append(
          (rounds[last].prefixOutcomes.last ?? 1) * sample.acceptance)
      } else if sample.depth == 0 {
        rounds.append(
          SequentialTemperatureScaling.Round(
            logits: [.logit(probability)], prefixOutcomes: [sample.acceptance]))
      }
    }
  }

  private static func rows(
    _ samples: [HeadSample], _ state: (HeadSample) -> [Float]?
  ) -> (rows: [[Float]], labels: [Double]) {
    let known = samples.compactMap { sample in state(sample).map { ($0, sample.acceptance) } }
    return (known.map(\.0), known.map(\.1))
  }

  private static func samples(
    _ rows: [[Float]], _ labels: [Double]
  ) throws(LearningError) -> Samples {
    try Samples(
      inputs: rows.flatMap(\.self), inputWidth: rows.first?.count ?? 1,
      targets: labels.map(Float.init), targetWidth: 1)
  }

  private func train(
    _ name: String, _ network: DenseNetwork, _ loss: SoftLabelCrossEntropy,
    _ training: (rows: [[Float]], labels: [Double]), _ heldOut: (rows: [[Float]], labels: [Double]),
    _ settings: TrainingSettings, _ report: Report
  ) throws(LearningError) -> DenseNetwork {
    let trainer = try Trainer(
      network, loss: loss, training: Self.samples(training.rows, training.labels),
      heldOut: heldOut.rows.isEmpty ? nil : Self.samples(heldOut.rows, heldOut.labels),
      settings: settings, threads: threads)
    return try trainer.run { report(name, $0, settings.epochs) }
  }
}

extension AcceptanceEstimator {
  /// The estimates that the cost-aware policy would have made of a candidate, and then its lesson.
  ///
  /// - Parameter previous: the estimate of the candidate before it in its round.
  package mutating func replay(
    _ sample: HeadSample, _ heads: AcceptanceHeads?, previous: Double? = nil
  ) -> (beforeDraw: Double, afterFeeding: Double?) {
    var reader = heads.map(AcceptanceHeads.Reader.init)
    let evidence = DraftEvidence(summary: sample.summary, repetition: sample.repetition)
    let before = features(
      beforeDraw: evidence, depth: sample.depth,
      head: reader?.beforeDraw(
        DraftEvidence(
          summary: sample.summary, hidden: sample.before, repetition: sample.repetition),
        depth: sample.depth,
        temperature: sample.temperature) ?? 0)
    let chance = beforeDraw.probability(before)
    var after: SIMD8<Double>?
    if sample.after != nil {
      // The confidence stands in for the probability of the draw, which is all that is read of it.
      let candidate = DrawnCandidate(token: 0, probability: sample.confidence, evidence: evidence)
      after = features(
        afterFeeding: candidate, next: DraftEvidence(summary: sample.nextSummary),
        depth: sample.depth, before: chance,
        head: reader?.afterFeeding(
          candidate,
          next: DraftEvidence(
            summary: sample.nextSummary, hidden: sample.after, repetition: sample.nextRepetition),
          depth: sample.depth, temperature: sample.temperature) ?? 0)
    }
    let estimates = (chance, after.map { afterFeeding.probability($0) })
    guard sample.outcome != .unreached else { return estimates }
    learn(
      acceptance: sample.acceptance, depth: sample.depth, beforeDraw: before, afterFeeding: after,
      previous: previous, matchLength: nil)
    return estimates
  }

  fileprivate mutating func replay(_ samples: [HeadSample], _ heads: AcceptanceHeads?) {
    var previous: Double?
    for sample in samples {
      let estimates = replay(sample, heads, previous: sample.depth > 0 ? previous : nil)
      previous = estimates.afterFeeding ?? estimates.beforeDraw
    }
  }
}

extension AcceptanceEstimator {
  /// What would have been known of all candidates of a round together, for each sample in its turn.
  package func together(
    _ samples: [HeadSample], _ heads: AcceptanceHeads?
  ) -> [(features: SIMD8<Double>, isKept: Bool)] {
    // A round is judged by what was known before it.
    var (estimator, learning) = (self, self)
    var (fed, least, previous) = (1.0, 1.0, 1.0)
    return samples.map { sample in
      if sample.depth == 0 { (fed, least, previous, estimator) = (1, 1, 1, learning) }
      fed *= previous
      least = min(least, previous)
      let estimates = learning.replay(sample, heads)
      let chance = estimates.beforeDraw
      let features = estimator.features(
        product: fed * chance, last: chance, least: min(least, chance), depth: sample.depth,
        temperature: sample.temperature)
      previous = estimates.afterFeeding ?? chance
      return (features, sample.outcome == .kept)
    }
  }

  /// Learns what the chances of a round are worth together.
  fileprivate mutating func fitSurvival(_ samples: [HeadSample], _ heads: AcceptanceHeads?) {
    let rows = together(samples, heads)
    for _ in 0..<8 {
      for row in rows { survival.learn(row.features, label: row.isKept ? 1 : 0) }
    }
    survival.memory = pointwiseMin(survival.memory, SIMD8(repeating: 25))
  }
}

extension HeadSample {
  fileprivate func evidenceBefore(state: Double) -> [Float]? {
    AcceptanceHeads.Evidence.before(
      summary, repetition: repetition, depth: depth, temperature: temperature, state: state)
  }

  /// Nil for one that was not fed.
  fileprivate func evidenceAfter(state: Double) -> [Float]? {
    nextSummary.map {
      AcceptanceHeads.Evidence.after(
        confidence: confidence, summary, next: $0, repetitions: (repetition, nextRepetition),
        depth: depth, temperature: temperature, state: state)
    }
  }
}

extension AcceptanceHeads {
  /// What the networks say of each sample; 0 after feeding for one that was not fed.
  fileprivate func states(_ samples: ArraySlice<HeadSample>) -> [(before: Double, after: Double)] {
    var networks = self
    networks.trees = nil
    var reader = Reader(networks)
    return samples.map { sample in
      let candidate = DrawnCandidate(token: 0, probability: 0, evidence: DraftEvidence())
      return (
        reader.beforeDraw(DraftEvidence(hidden: sample.before), depth: 0, temperature: 0),
        reader.afterFeeding(
          candidate, next: DraftEvidence(hidden: sample.after), depth: 0, temperature: 0)
      )
    }
  }
}
