package import Learning

extension PromptLengthModel {
  /// What of a predictor is not an array of numbers.
  package struct Description: Codable, Sendable {
    var models: [String]
    var terms: PromptTerms
    var backgroundNames: [String]
    var networks: [[Layer]]
    var calibration: LengthCalibration
    var runaway: RunawayRates
  }

  package var description: Description {
    var terms = terms
    terms.rarities = []
    return Description(
      models: models, terms: terms, backgroundNames: backgroundNames,
      networks: networks.map(\.layers), calibration: calibration, runaway: runaway)
  }

  /// The arrays by name; with `description` they are the whole predictor.
  package var tensors: [String: NamedTensor] {
    func vector(_ values: [Float]) -> NamedTensor {
      NamedTensor(shape: [values.count], values: values)
    }
    var tensors = [
      "terms.rarities": vector(terms.rarities),
      "counts.mean": vector(countScale.mean), "counts.scale": vector(countScale.scale),
      "inputs.mean": vector(inputScale.mean), "inputs.scale": vector(inputScale.scale),
      "guesses.means": vector(guesses.means), "guesses.weights": vector(guesses.weights),
    ]
    if !backgroundNames.isEmpty {
      tensors["background.means"] = vector(background.means)
      tensors["background.weights"] = vector(background.weights)
      tensors["background.mean"] = vector(backgroundScale.mean)
      tensors["background.scale"] = vector(backgroundScale.scale)
    }
    for (index, network) in networks.enumerated() {
      for (name, tensor) in network.tensors { tensors["network.\(index).\(name)"] = tensor }
    }
    for (name, tensor) in trees?.tensors ?? [:] { tensors["trees.\(name)"] = tensor }
    return tensors
  }

  /// Bytes of all its arrays.
  package var byteCount: Int {
    tensors.values.reduce(0) { $0 + $1.values.count * MemoryLayout<Float>.stride }
  }

  /// - Throws: `parameters` when an array is missing or does not fit the description.
  package init(
    _ description: Description, tensors: [String: NamedTensor]
  ) throws(LearningError) {
    var terms = description.terms
    try terms.validate()
    terms.rarities = try tensors.vector("terms.rarities", terms.termCount)
    let (models, writers) = (description.models.count, description.backgroundNames.count)
    let inputs = Self.featureCount(models: models, writers: writers)
    let width = terms.width + writers
    guard models > 0, models < 10_000, writers < 1000, !description.networks.isEmpty else {
      throw LearningError(.parameters, at: "description", "has no models or no networks")
    }
    let networks = try tensors.networks(
      description.networks, inputs: inputs, outputs: Self.levels.count)
    let treeTensors = tensors.under("trees.")
    let trees = treeTensors.isEmpty ? nil : try TreeEnsemble(tensors: treeTensors)
    if let trees, trees.denseWidth != inputs || trees.sparseWidth != 0 || trees.outputWidth != 1 {
      throw LearningError(
        .parameters, at: "trees",
        "\(trees.denseWidth) inputs and \(trees.outputWidth) outputs, expected \(inputs) and 1")
    }
    self.init(
      models: description.models, terms: terms,
      countScale: try tensors.standardisation("counts", PromptTerms.countNames.count),
      backgroundNames: description.backgroundNames,
      background: SparseRidge.Fit(
        means: writers > 0 ? try tensors.vector("background.means", writers) : [],
        weights: writers > 0 ? try tensors.vector("background.weights", terms.width * writers) : []),
      backgroundScale: writers > 0
        ? try tensors.standardisation("background", writers)
        : try Standardisation(mean: [], scale: []),
      guesses: SparseRidge.Fit(
        means: try tensors.vector("guesses.means", models + 1),
        weights: try tensors.vector("guesses.weights", width * (models + 1))),
      inputScale: try tensors.standardisation("inputs", inputs), networks: networks,
      trees: trees, calibration: description.calibration, runaway: description.runaway)
  }
}
