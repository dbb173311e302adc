import Learning

/// Predicts the distribution of an answer's length from the prompt alone: its words, its counts, its
/// size in tokens, the model's name and the way of decoding. Costs microseconds, and works for
/// models that run elsewhere.
///
/// Two stages. Ridge regressions on words guess the logarithm of the median under each known model: one
/// over all prompts, and one for each corpus of the training rows, of which that of the most similar
/// corpus is used; others how long other writers would have answered (`background`), and principal
/// components say what kind of prompt it is. A few small networks and an ensemble of boosted trees, the
/// same for all models, correct the guess by the other guesses, the counts and the settings: the networks
/// predict quantiles, the trees the median, and the quantiles are moved so that their median is half-way
/// between. The two err differently, so that their mean is better than either. A conformal shift for each
/// model and level makes them hold on new prompts (`calibration`).
package struct PromptLengthModel: Sendable {
  /// Known models, sorted.
  package let models: [String]
  var terms: PromptTerms
  var countScale: Standardisation
  /// Names of the other writers, the regression on their answers, and the scale of its guesses.
  var backgroundNames: [String]
  var background: TermWeights
  var backgroundScale: Standardisation
  /// One output for each model, then what a prompt has in common under all of them, then how much it
  /// is like each corpus that has an expert.
  var guesses: TermWeights
  /// For each corpus that has enough prompts of its own: guesses as above, learnt from its prompts.
  var experts: [TermWeights] = []
  /// What a prompt is about.
  var topics: TermWeights
  var inputScale: Standardisation
  var networks: [DenseNetwork]
  /// Nil for the networks alone.
  var trees: TreeEnsemble?
  package var calibration = LengthCalibration()
  package var runaway = RunawayRates()

  static let levels = LengthPrediction.levels.map { Float($0) }
  private static let middle = LengthPrediction.levels.firstIndex(of: 0.5) ?? 0
  /// How much the background's guesses weigh among the words; measured by cross-validation.
  static let backgroundWeight: Float = 0.3
  /// Standard deviations beyond which an input is as good as there.
  private static let clip: Float = 4

  /// What a prompt's text says, whatever the model.
  package struct Reading: Sendable {
    var counts: [Float]
    var background: [Float]
    /// By model, then the part common to all: those of the nearest corpus where corpora have experts.
    var guesses: [Float]
    /// The guesses of all corpora together; empty where no corpus has an expert.
    var sharedGuesses: [Float] = []
    var topics: [Float]
  }

  package func read(_ prompt: String) -> Reading {
    let counts = countScale.applied(to: PromptTerms.counts(of: prompt))
    let vector = terms.vector(of: prompt, counts: counts)
    let others = backgroundScale.applied(
      to: background.predict(vector.terms, vector.others, vector.counts))
    let tail = Self.behind(terms.ownWidth, others)
    let shared = guesses.predict(vector.terms, vector.counts, tail)
    let topics = topics.predict(vector.terms)
    let width = models.count + 1
    guard let nearest = shared[width...].indices.max(by: { shared[$0] < shared[$1] }) else {
      return Reading(counts: counts, background: others, guesses: shared, topics: topics)
    }
    return Reading(
      counts: counts, background: others,
      guesses: experts[nearest - width].predict(vector.terms, vector.counts, tail),
      sharedGuesses: Array(shared[..<width]), topics: topics)
  }

  /// The background's guesses as columns behind the `width` first.
  static func behind(_ width: Int, _ background: [Float]) -> SparseVector {
    SparseVector(
      indices: background.indices.map { Int32(width + $0) },
      values: background.map { $0 * backgroundWeight })
  }

  /// The prediction for an answer of `model` (as rows record it) to the prompt that was read.
  ///
  /// A model that is not known is predicted as one of which nothing is known but its settings.
  ///
  /// - Parameter inputSize: tokens of the prompt with its template.
  package func predict(
    _ reading: Reading, model: String, inputSize: Int, decoding: DecodingSettings
  ) -> LengthDistribution {
    let logarithms = logQuantiles(
      reading, model: models.firstIndex(of: model), inputSize: inputSize, decoding: decoding)
    return LengthDistribution(
      logQuantiles: logarithms, shifts: calibration.shifts(for: model),
      runawayProbability: runaway.probability(for: model))
  }

  /// Natural logarithms of the quantiles at `levels`, ascending, before calibration.
  func logQuantiles(
    _ reading: Reading, model: Int?, inputSize: Int, decoding: DecodingSettings
  ) -> [Float] {
    var inputs = features(reading, model: model, inputSize: inputSize, decoding: decoding)
    standardise(&inputs)
    let guess = Self.guess(reading, model: model)
    var sums = [Float](repeating: 0, count: Self.levels.count)
    var outputs = sums
    for network in networks {
      var workspace = NetworkWorkspace(for: network)
      network.predict(inputs.span, into: &outputs, workspace: &workspace)
      for level in sums.indices { sums[level] += outputs[level] }
    }
    let share = 1 / Float(networks.count)
    var move: Float = 0
    if let trees {
      trees.predict(inputs, into: &outputs)
      move = (outputs[0] - sums[Self.middle] * share) / 2
    }
    return sums.map { [move] in min(guess + $0 * share + move, TokenPinballLoss.highest) }.sorted()
  }

  /// The first guess of the median's logarithm.
  static func guess(_ reading: Reading, model: Int?) -> Float {
    guess(reading.guesses, model: model)
  }

  private static func guess(_ guesses: [Float], model: Int?) -> Float {
    if let model { return guesses[model] }
    let known = guesses.dropLast()
    return known.reduce(0, +) / Float(max(1, known.count))
  }

  /// The networks' inputs, not standardised.
  func features(
    _ reading: Reading, model: Int?, inputSize: Int, decoding: DecodingSettings
  ) -> [Float] {
    let guess = Self.guess(reading, model: model)
    var inputs = [guess, guess - (reading.guesses.last ?? 0)]
    inputs.reserveCapacity(featureCount)
    inputs += reading.guesses
    inputs += reading.background
    inputs += reading.counts
    inputs += [
      logarithm(Double(inputSize)), Float(decoding.temperature), Float(decoding.topP),
      logarithm(Double(1 + decoding.topK)),
    ]
    for index in models.indices { inputs.append(index == model ? 1 : 0) }
    if !reading.sharedGuesses.isEmpty {
      inputs += reading.sharedGuesses
      inputs.append(Self.guess(reading.sharedGuesses, model: model))
    }
    inputs += reading.topics
    return inputs
  }

  var featureCount: Int {
    Self.featureCount(
      models: models.count, writers: backgroundNames.count, hasExperts: !experts.isEmpty,
      topics: topics.outputs)
  }

  static func featureCount(models: Int, writers: Int, hasExperts: Bool, topics: Int) -> Int {
    2 + (models + 1) + writers + PromptTerms.countNames.count + 4 + models
      + (hasExperts ? models + 2 : 0) + topics
  }

  func standardise(_ inputs: inout [Float]) {
    for index in inputs.indices {
      let value = (inputs[index] - inputScale.mean[index]) * inputScale.scale[index]
      inputs[index] = min(max(value, -Self.clip), Self.clip)
    }
  }
}
