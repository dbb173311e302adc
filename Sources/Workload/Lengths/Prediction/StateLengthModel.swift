package import Learning

/// Predicts what is left of an answer from the answering model's own hidden state: before the first
/// token, when reading the prompt gives the state for nothing, and again while tokens come.
///
/// A prediction is of the remaining tokens of an answer that goes on, so each one is consistent with
/// the answer having lived so long; between two states the last one is conditioned on what came since
/// (`LengthDistribution.remaining`).
///
/// Two stages, as in `PromptLengthModel`. Ridge regressions on the state guess the logarithm of the
/// rest and whether it is short, one set for states before the first token and one for later ones. A
/// few small networks turn the guesses into quantiles, and conformal shifts make those hold on new
/// prompts. Close to TRAIL (2410.01035), which reads a layer in the middle at every token, and to
/// ProD (2604.07931), which learns from several draws of each prompt.
package struct StateLengthModel: Sendable {
  /// Numbers of a state.
  package let width: Int
  var opening: Reader
  var later: Reader
  var inputScale: Standardisation
  var networks: [DenseNetwork]
  package var calibration = LengthCalibration()

  /// Reads states of one kind.
  struct Reader: Sendable {
    var scale: Standardisation
    var fit: SparseRidge.Fit

    func guesses(_ state: [Float]) -> [Float] { fit.predict(Self.vector(state, scale)) }

    /// All columns of a state, each with variance one, so that their squares sum to about one.
    static func vector(_ state: [Float], _ scale: Standardisation) -> SparseVector {
      let unit = 1 / Float(max(1, state.count)).squareRoot()
      return SparseVector(
        indices: Array(0..<Int32(state.count)),
        values: state.indices.map { (state[$0] - scale.mean[$0]) * scale.scale[$0] * unit })
    }
  }

  static let levels = LengthPrediction.levels.map { Float($0) }
  /// Remaining tokens below which a rest counts as short, for the regressions on that.
  static let shortRests: [Float] = [4, 16, 64]
  static var guessCount: Int { 1 + shortRests.count }
  /// Guesses at the opening, guesses now, tokens generated, tokens of the prompt.
  static var inputCount: Int { 2 * guessCount + 2 }
  private static let clip: Float = 4

  /// The regressions' targets for a rest of so many tokens.
  static func targets(rest: Float) -> [Float] {
    [logarithm(Double(max(1, rest)))] + shortRests.map { rest <= $0 ? 1 : 0 }
  }

  /// What the state before the first token says; kept with the request.
  package struct Opening: Sendable {
    var guesses: [Float]
    var inputSize: Int
  }

  /// - Parameters:
  ///   - state: `width` numbers, from which the first token is drawn.
  ///   - inputSize: tokens of the prompt with its template.
  package func read(opening state: [Float], inputSize: Int) -> Opening {
    Opening(guesses: opening.guesses(state), inputSize: inputSize)
  }

  /// What is left of an answer, the tokens that end it counted as one.
  ///
  /// - Parameters:
  ///   - state: from which the next token is drawn; nil before the first one.
  ///   - generated: tokens that the answer has.
  package func remaining(
    _ opening: Opening, state: [Float]? = nil, generated: Int = 0
  ) -> LengthDistribution {
    let logarithms = logQuantiles(
      opening, guesses: state.map { later.guesses($0) } ?? opening.guesses, generated: generated)
    return LengthDistribution(
      logQuantiles: logarithms, shifts: calibration.shifts(for: Self.stage(generated)),
      runawayProbability: 0)
  }

  /// The name under which shifts are kept.
  static func stage(_ generated: Int) -> String { generated == 0 ? "opening" : "later" }

  /// Ascending, before calibration.
  func logQuantiles(_ opening: Opening, guesses: [Float], generated: Int) -> [Float] {
    var inputs = Self.inputs(opening, guesses: guesses, generated: generated)
    standardise(&inputs)
    var sums = [Float](repeating: 0, count: Self.levels.count)
    var outputs = sums
    for network in networks {
      var workspace = NetworkWorkspace(for: network)
      network.predict(inputs.span, into: &outputs, workspace: &workspace)
      for level in sums.indices { sums[level] += outputs[level] }
    }
    let share = 1 / Float(max(1, networks.count))
    return sums.map { min(guesses[0] + $0 * share, TokenPinballLoss.highest) }.sorted()
  }

  static func inputs(_ opening: Opening, guesses: [Float], generated: Int) -> [Float] {
    opening.guesses + guesses
      + [logarithm(Double(1 + generated)), logarithm(Double(max(1, opening.inputSize)))]
  }

  func standardise(_ inputs: inout [Float]) {
    for index in inputs.indices {
      let value = (inputs[index] - inputScale.mean[index]) * inputScale.scale[index]
      inputs[index] = min(max(value, -Self.clip), Self.clip)
    }
  }
}

// MARK: - As arrays

extension StateLengthModel {
  /// What of a predictor is not an array of numbers.
  package struct Description: Codable, Sendable {
    var width: Int
    var networks: [[Layer]]
    var calibration: LengthCalibration
  }

  package var description: Description {
    Description(width: width, networks: networks.map(\.layers), calibration: calibration)
  }

  /// The arrays by name; with `description` they are the whole predictor.
  package var tensors: [String: NamedTensor] {
    var tensors: [String: NamedTensor] = [:]
    func put(_ name: String, _ values: [Float]) {
      tensors[name] = NamedTensor(shape: [values.count], values: values)
    }
    func put(_ name: String, _ scale: Standardisation) {
      put("\(name).mean", scale.mean)
      put("\(name).scale", scale.scale)
    }
    for (name, reader) in [("opening", opening), ("later", later)] {
      put("\(name).states", reader.scale)
      put("\(name).guesses.means", reader.fit.means)
      put("\(name).guesses.weights", reader.fit.weights)
    }
    put("inputs", inputScale)
    for (index, network) in networks.enumerated() {
      for (name, tensor) in network.tensors { tensors["network.\(index).\(name)"] = tensor }
    }
    return tensors
  }

  /// - Throws: `parameters` when an array is missing or does not fit the description.
  package init(_ description: Description, tensors: [String: NamedTensor]) throws(LearningError) {
    func reader(_ name: String) throws(LearningError) -> Reader {
      Reader(
        scale: try tensors.standardisation("\(name).states", description.width),
        fit: SparseRidge.Fit(
          means: try tensors.vector("\(name).guesses.means", Self.guessCount),
          weights: try tensors.vector(
            "\(name).guesses.weights", description.width * Self.guessCount)))
    }
    guard (1...1 << 20).contains(description.width), !description.networks.isEmpty else {
      throw LearningError(.parameters, at: "description", "has no width or no networks")
    }
    let networks = try tensors.networks(
      description.networks, inputs: Self.inputCount, outputs: Self.levels.count)
    self.init(
      width: description.width, opening: try reader("opening"), later: try reader("later"),
      inputScale: try tensors.standardisation("inputs", Self.inputCount), networks: networks,
      calibration: description.calibration)
  }
}
