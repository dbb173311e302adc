package import Learning

/// A row and the hidden states of its answers: what a `StateLengthModel` is trained on.
package struct StateLengthExample: Sendable {
  package struct State: Sendable {
    /// Tokens that the answer had.
    package var generated: Int
    package var hidden: [Float]

    package init(generated: Int, hidden: [Float]) {
      self.generated = generated
      self.hidden = hidden
    }
  }

  package var row: LengthRow
  /// Before the first token, the same for all answers.
  package var opening: [Float]
  /// Later ones by answer, as many answers as the row has sizes.
  package var later: [[State]]

  package init(row: LengthRow, opening: [Float], later: [[State]]) {
    self.row = row
    self.opening = opening
    self.later = later
  }
}

/// How a `StateLengthModel` is trained: everything but the data that decides it.
package struct StateLengthSettings: Codable, Equatable, Sendable {
  package var openingPenalty: Float = 0.5
  package var laterPenalty: Float = 3
  /// Folds by prompt in which the training rows get guesses that did not see them.
  package var folds = 5
  package var hiddenWidth = 32
  package var epochs = 20
  package var learningRate = 2e-3
  package var weightDecay = 0.05
  /// Networks whose outputs are averaged.
  package var networks = 3
  package var threads = 1
  package var seed: UInt64 = 1

  package init() {}
}

extension StateLengthModel {
  /// Trains on examples of one model and one way of decoding. The result is not calibrated.
  ///
  /// - Parameter report: is told what is being done.
  /// - Throws: `tooFewSamples` where there is too little to learn from, `shape` for states of several
  ///   widths.
  package static func train(
    _ examples: [StateLengthExample], settings: StateLengthSettings = .init(),
    report: (String) -> Void = { _ in }
  ) throws(LearningError) -> StateLengthModel {
    guard settings.folds > 1, examples.count >= 10 * settings.folds else {
      throw LearningError(
        .tooFewSamples, at: "training", "\(examples.count) prompts with hidden states",
        advice: "train on at least \(10 * max(2, settings.folds)) prompts")
    }
    let width = examples[0].opening.count
    let states = examples.flatMap { [$0.opening] + $0.later.flatMap { $0.map(\.hidden) } }
    guard width > 0, states.allSatisfy({ $0.count == width }) else {
      throw LearningError(.shape, at: "training", "the hidden states are not of one width")
    }
    var random = SeededRandom(settings.seed, 5)
    let folds = examples.map { _ in random.below(settings.folds) }
    report("reading states before the first token")
    let openings = try StageFit(
      examples.map { example in
        let sizes = example.row.outputSizes.map { targets(rest: Float($0)) }
        let means = (0..<guessCount).map { output in
          sizes.reduce(0) { $0 + $1[output] } / Float(max(1, sizes.count))
        }
        return StageFit.Case(state: example.opening, targets: means)
      }, folds: folds, penalty: settings.openingPenalty, count: settings.folds)
    report("reading later states")
    var places: [(example: Int, answer: Int, state: Int)] = []
    for (index, example) in examples.enumerated() {
      for answer in example.later.indices {
        for state in example.later[answer].indices { places.append((index, answer, state)) }
      }
    }
    let later = try StageFit(
      places.map { place in
        let example = examples[place.example]
        let state = example.later[place.answer][place.state]
        let rest = Float(example.row.outputSizes[place.answer] - state.generated)
        return StageFit.Case(state: state.hidden, targets: targets(rest: rest))
      }, folds: places.map { folds[$0.example] }, penalty: settings.laterPenalty,
      count: settings.folds)
    guard let opening = openings.reader else {
      throw LearningError(.tooFewSamples, at: "training", "there are no hidden states")
    }
    var model = StateLengthModel(
      width: width, opening: opening, later: later.reader ?? opening,
      inputScale: try Standardisation(mean: [], scale: []), networks: [])
    var table = NetworkTable(draws: examples.map(\.row.outputSizes.count).max() ?? 1)
    for (index, example) in examples.enumerated() {
      let guesses = openings.heldOut[index]
      table.append(
        Opening(guesses: guesses, inputSize: example.row.inputSize), guesses, generated: 0,
        rests: example.row.outputSizes)
    }
    for (index, place) in places.enumerated() {
      let example = examples[place.example]
      let generated = example.later[place.answer][place.state].generated
      table.append(
        Opening(guesses: openings.heldOut[place.example], inputSize: example.row.inputSize),
        later.heldOut[index], generated: generated,
        rests: [example.row.outputSizes[place.answer] - generated])
    }
    try model.trainNetworks(table, settings, report)
    return model
  }

  private mutating func trainNetworks(
    _ table: NetworkTable, _ settings: StateLengthSettings, _ report: (String) -> Void
  ) throws(LearningError) {
    var inputs = table.inputs
    inputScale = Standardisation(
      fitting: try Samples(
        inputs: inputs.flatMap(\.self), inputWidth: Self.inputCount, targets: table.weights,
        targetWidth: 1))
    for index in inputs.indices { standardise(&inputs[index]) }
    let samples = try Samples(
      inputs: inputs.flatMap(\.self), inputWidth: Self.inputCount, targets: table.targets,
      targetWidth: table.draws + 1, weights: table.weights)
    let widths = [Self.inputCount, settings.hiddenWidth, settings.hiddenWidth, Self.levels.count]
    for member in 0..<settings.networks {
      let seed = settings.seed &+ UInt64(member) &* 1000
      let trainer = try Trainer(
        DenseNetwork(.multilayer(widths), seed: seed),
        loss: TokenPinballLoss(levels: Self.levels, draws: table.draws), training: samples,
        settings: TrainingSettings(
          epochs: settings.epochs, batchSize: 128,
          optimiser: AdamW.Settings(
            learningRate: settings.learningRate, weightDecay: settings.weightDecay),
          schedule: .cosine(warmup: 0.1), seed: seed),
        threads: settings.threads)
      networks.append(
        try trainer.run { summary in
          report(
            "network \(member + 1) of \(settings.networks), epoch \(summary.epoch): "
              + "loss \(summary.trainingLoss)")
        })
    }
  }
}

/// What the networks are trained on.
private struct NetworkTable {
  let draws: Int
  private(set) var inputs: [[Float]] = []
  private(set) var targets: [Float] = []
  /// How many answers a row speaks of.
  private(set) var weights: [Float] = []

  init(draws: Int) { self.draws = draws }

  mutating func append(
    _ opening: StateLengthModel.Opening, _ guesses: [Float], generated: Int, rests: [Int]
  ) {
    inputs.append(StateLengthModel.inputs(opening, guesses: guesses, generated: generated))
    targets.append(guesses[0])
    targets += rests.map { Float(max(1, $0)) }
    targets += [Float](repeating: .nan, count: draws - rests.count)
    weights.append(Float(rests.count))
  }
}

/// Ridge regressions on the states of one stage, and what they guess for rows that they did not see.
private struct StageFit {
  struct Case {
    var state: [Float]
    var targets: [Float]
  }

  /// Nil where there are no states.
  let reader: StateLengthModel.Reader?
  private(set) var heldOut: [[Float]] = []

  init(_ cases: [Case], folds: [Int], penalty: Float, count: Int) throws(LearningError) {
    guard let width = cases.first?.state.count else {
      reader = nil
      return
    }
    let scale = Standardisation(
      fitting: try Samples(
        inputs: cases.flatMap(\.state), inputWidth: width,
        targets: [Float](repeating: 0, count: cases.count), targetWidth: 1))
    let vectors = cases.map { StateLengthModel.Reader.vector($0.state, scale) }
    var rows = SparseRows(width: width)
    for vector in vectors { rows.append(vector) }
    let targets = cases.flatMap(\.targets)
    func fit(_ chosen: [Int]) -> SparseRidge.Fit {
      SparseRidge.fit(
        rows, chosen: chosen, targets: targets, outputs: StateLengthModel.guessCount,
        penalty: penalty)
    }
    heldOut = Array(repeating: [], count: cases.count)
    for fold in 0..<count {
      let others = fit(cases.indices.filter { folds[$0] != fold })
      for index in cases.indices where folds[index] == fold {
        heldOut[index] = others.predict(vectors[index])
      }
    }
    reader = StateLengthModel.Reader(scale: scale, fit: fit(Array(cases.indices)))
  }
}
