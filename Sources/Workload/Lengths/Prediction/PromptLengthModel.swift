import Learning

/// Predicts the distribution of an answer's length from the prompt alone: its words, its counts, its
/// size in tokens, the model's name and the way of decoding. Costs microseconds, and works for
/// models that run elsewhere.
///
/// Two stages. Ridge regressions on hashed words guess the logarithm of the median under each known
/// model, and how long other writers would have answered (`background`). A few small networks and an
/// ensemble of boosted trees, the same for all models, correct the guess by the other guesses, the
/// counts and the settings: the networks predict quantiles, the trees the median, and the quantiles are
/// moved so that their median is half-way between. The two err differently, so that their mean is better
/// than either. A conformal shift for each model and level makes them hold on new prompts
/// (`calibration`).
package struct PromptLengthModel: Sendable {
  /// Known models, sorted.
  package let models: [String]
  var terms: PromptTerms
  var countScale: Standardisation
  /// Names of the other writers, the regression on their answers, and the scale of its guesses.
  var backgroundNames: [String]
  var background: SparseRidge.Fit
  var backgroundScale: Standardisation
  /// One output for each model, then what a prompt has in common under all of them.
  var guesses: SparseRidge.Fit
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
    /// By model, then the part common to all.
    var guesses: [Float]
  }

  package func read(_ prompt: String) -> Reading {
    let counts = countScale.applied(to: PromptTerms.counts(of: prompt))
    var vector = terms.vector(of: prompt, counts: counts)
    let others = backgroundScale.applied(to: background.predict(vector))
    Self.append(others, to: &vector, at: terms.width)
    return Reading(counts: counts, background: others, guesses: guesses.predict(vector))
  }

  /// Puts the background's guesses behind the terms.
  static func append(_ background: [Float], to vector: inout SparseVector, at width: Int) {
    for (index, value) in background.enumerated() {
      vector.indices.append(Int32(width + index))
      vector.values.append(value * backgroundWeight)
    }
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
    if let model { return reading.guesses[model] }
    let known = reading.guesses.dropLast()
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
    return inputs
  }

  var featureCount: Int {
    Self.featureCount(models: models.count, writers: backgroundNames.count)
  }

  static func featureCount(models: Int, writers: Int) -> Int {
    2 + (models + 1) + writers + PromptTerms.countNames.count + 4 + models
  }

  func standardise(_ inputs: inout [Float]) {
    for index in inputs.indices {
      let value = (inputs[index] - inputScale.mean[index]) * inputScale.scale[index]
      inputs[index] = min(max(value, -Self.clip), Self.clip)
    }
  }
}
