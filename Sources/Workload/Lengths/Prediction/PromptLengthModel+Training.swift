package import Learning

/// How a `PromptLengthModel` is trained: everything but the data that decides it.
package struct PromptLengthSettings: Codable, Equatable, Sendable {
  /// The logarithm to base 2 of the hashed columns of each part of a prompt; nil for a vocabulary.
  package var bucketBits: Int?
  package var guessPenalty: Float = 0.5
  /// Of the regressions over the prompts of one corpus.
  package var expertPenalty: Float = 1
  /// Principal components of the prompts' words.
  package var topics = 16
  package var backgroundPenalty: Float = 1
  /// Folds by prompt in which the training rows get guesses that did not see them.
  package var folds = 4
  package var hiddenWidth = 128
  package var epochs = 6
  package var learningRate = 2e-3
  package var weightDecay = 0.1
  /// The share of rows that are shown a second time as of a model that is not known.
  package var anonymousShare: Float = 0.1
  /// Networks whose outputs are averaged.
  package var networks = 3
  /// Boosted trees, whose median is averaged with the networks'; 0 for none.
  package var trees = 300
  package var threads = 1
  package var seed: UInt64 = 1

  package init() {}
}

/// Answers of one other writer, from which is learnt what kinds of prompts get long answers.
package struct BackgroundAnswers: Sendable {
  package var name: String
  package var prompts: [String]
  /// In any unit: only ratios count.
  package var lengths: [Double]

  package init(name: String, prompts: [String] = [], lengths: [Double] = []) {
    self.name = name
    self.prompts = prompts
    self.lengths = lengths
  }
}

extension PromptLengthModel {
  /// Trains on examples of sanitised rows. The result is not calibrated.
  ///
  /// - Parameter report: is told what is being done.
  /// - Throws: `tooFewSamples` where there is too little to learn from, `setting` for settings that
  ///   make no sense.
  package static func train(
    _ examples: [LengthExample], background answers: [BackgroundAnswers] = [],
    settings: PromptLengthSettings = .init(), report: (String) -> Void = { _ in }
  ) throws(LearningError) -> PromptLengthModel {
    let corpus = PromptCorpus(examples)
    guard settings.folds > 1, corpus.prompts.count >= 10 * settings.folds else {
      throw LearningError(
        .tooFewSamples, at: "training",
        "\(corpus.prompts.count) prompts with text in \(settings.folds) folds",
        advice: "train on at least \(10 * max(2, settings.folds)) prompts")
    }
    report("reading \(corpus.prompts.count) prompts")
    let reader = try TextReader(corpus.prompts, answers, settings)
    let texts = corpus.prompts.map { reader.read($0) }
    report("guessing medians in \(settings.folds) folds")
    let guesses = FoldedGuesses(corpus, texts, reader, settings)
    report("looking for topics")
    var termRows = SparseRows(width: reader.terms.termCount)
    for text in texts { termRows.append(text.vector.terms) }
    let topics = PrincipalTerms.fit(
      termRows.keepingColumns(ofAtLeast: 3), count: settings.topics, seed: settings.seed)
    let dense = reader.terms.termCount..<reader.terms.ownWidth + answers.count
    func packed(_ fit: SparseRidge.Fit) -> TermWeights {
      TermWeights(fit, denseColumns: dense, significantBits: Self.significantBits)
    }
    var model = PromptLengthModel(
      models: corpus.models, terms: reader.terms, countScale: reader.countScale,
      backgroundNames: answers.map(\.name), background: reader.background,
      backgroundScale: reader.backgroundScale,
      guesses: packed(guesses.shared), experts: guesses.experts.map { packed($0) },
      topics: TermWeights(topics, significantBits: Self.significantBits),
      inputScale: try Standardisation(mean: [], scale: []), networks: [])
    let readings = corpus.prompts.indices.map { prompt in
      Reading(
        counts: texts[prompt].counts, background: texts[prompt].background,
        guesses: guesses.heldOut[prompt], sharedGuesses: guesses.heldOutShared[prompt],
        topics: model.topics.predict(texts[prompt].vector.terms))
    }
    var table = model.correctionTable(corpus, readings, settings)
    model.inputScale = try Standardisation(fittingRows: table.inputs)
    for index in table.inputs.indices { model.standardise(&table.inputs[index]) }
    try model.trainNetworks(table, settings, report)
    if settings.trees > 0 { try model.growTrees(table, settings, report) }
    return model
  }

  /// Of terms' weights in the file; more do not change a guess by what could be measured.
  static let significantBits = 4

  /// What networks and trees learn from: inputs, then the guess and the draws.
  private struct CorrectionTable {
    let draws: Int
    var inputs: [[Float]] = []
    /// `(rows, 1 + draws)`, as `TokenPinballLoss` takes them.
    var targets: [Float] = []
  }

  /// Inputs are not yet standardised.
  private func correctionTable(
    _ corpus: PromptCorpus, _ readings: [Reading], _ settings: PromptLengthSettings
  ) -> CorrectionTable {
    let draws = corpus.examples.reduce(1) { max($0, $1.row.outputSizes.count) }
    var table = CorrectionTable(draws: draws)
    var random = SeededRandom(settings.seed, 2)
    for (index, example) in corpus.examples.enumerated() {
      let reading = readings[corpus.promptIndices[index]]
      let isShownTwice = random.uniform() < settings.anonymousShare
      for model in isShownTwice ? [corpus.modelIndices[index], nil] : [corpus.modelIndices[index]] {
        table.inputs.append(
          features(
            reading, model: model, inputSize: example.row.inputSize,
            decoding: example.row.decoding))
        table.targets.append(Self.guess(reading, model: model))
        table.targets += example.row.outputSizes.map { Float($0) }
        table.targets += [Float](repeating: .nan, count: draws - example.row.outputSizes.count)
      }
    }
    return table
  }

  /// The median, in logarithms, where a row weighs as much as it is guessed to be long: that is the
  /// error in tokens, as `TokenPinballLoss` counts it, but with a weight that no draw has a say in.
  private mutating func growTrees(
    _ table: CorrectionTable, _ settings: PromptLengthSettings, _ report: (String) -> Void
  ) throws(LearningError) {
    var features = FeatureTable(denseWidth: featureCount)
    var (targets, weights): ([Float], [Float]) = ([], [])
    for (index, inputs) in table.inputs.enumerated() {
      try features.append(dense: inputs)
      let row = table.targets[index * (1 + table.draws)..<(index + 1) * (1 + table.draws)]
      let guess = row.first ?? 0
      targets += row.dropFirst().map { $0.isNaN ? .nan : logarithm(Double($0)) - guess }
      weights.append(exponential(min(guess, TokenPinballLoss.highest)))
    }
    let mean = weights.reduce(0, +) / Float(max(1, weights.count))
    let booster = try GradientBooster(
      training: features, targets: targets, draws: table.draws,
      weights: weights.map { $0 / mean },
      settings: BoostingSettings(
        trees: settings.trees, learningRate: 0.05, depth: 5, minimumLeafWeight: 40, rowShare: 0.7,
        featureShare: 0.4, seed: settings.seed))
    trees = try booster.fit(.quantile(level: 0.5)) {
      report("tree \($0.trees) of \(settings.trees)")
    }
  }

  private mutating func trainNetworks(
    _ table: CorrectionTable, _ settings: PromptLengthSettings, _ report: (String) -> Void
  ) throws(LearningError) {
    let draws = table.draws
    let samples = try Samples(
      inputs: table.inputs.flatMap(\.self), inputWidth: featureCount, targets: table.targets,
      targetWidth: draws + 1)
    let widths = [featureCount, settings.hiddenWidth, settings.hiddenWidth, Self.levels.count]
    for member in 0..<settings.networks {
      let seed = settings.seed &+ UInt64(member) &* 1000
      let trainer = try Trainer(
        DenseNetwork(.multilayer(widths), seed: seed),
        loss: TokenPinballLoss(levels: Self.levels, draws: draws), training: samples,
        settings: TrainingSettings(
          epochs: settings.epochs, batchSize: 256,
          optimiser: AdamW.Settings(
            learningRate: settings.learningRate, weightDecay: settings.weightDecay),
          schedule: .cosine(warmup: 0.1), seed: seed),
        threads: settings.threads)
      let network = try trainer.run { summary in
        report(
          "network \(member + 1) of \(settings.networks), epoch \(summary.epoch): "
            + "loss \(summary.trainingLoss)")
      }
      networks.append(network)
    }
  }
}

extension Standardisation {
  /// - Parameter rows: at least one, all of one width, which may be zero.
  init(fittingRows rows: [[Float]]) throws(LearningError) {
    guard let width = rows.first?.count, width > 0 else {
      try self.init(mean: [], scale: [])
      return
    }
    self.init(
      fitting: try Samples(
        inputs: rows.flatMap(\.self), inputWidth: width,
        targets: [Float](repeating: 0, count: rows.count), targetWidth: 1))
  }

  func applied(to values: [Float]) -> [Float] {
    values.indices.map { (values[$0] - mean[$0]) * scale[$0] }
  }
}
