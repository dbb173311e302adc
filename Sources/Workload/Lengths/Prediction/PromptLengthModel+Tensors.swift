package import Learning

extension PromptLengthModel {
  /// What of a predictor is not an array of numbers.
  package struct Description: Codable, Sendable {
    var models: [String]
    var terms: PromptTerms
    var backgroundNames: [String]
    /// Absent in the first files, which have neither.
    var experts: Int?
    var topics: Int?
    var networks: [[Layer]]
    var calibration: LengthCalibration
    var runaway: RunawayRates
  }

  package var description: Description {
    Description(
      models: models, terms: terms.description, backgroundNames: backgroundNames,
      experts: experts.count, topics: topics.outputs, networks: networks.map(\.layers),
      calibration: calibration, runaway: runaway)
  }

  /// The arrays by name; with `description` they are the whole predictor.
  package var tensors: [String: NamedTensor] {
    func vector(_ values: [Float]) -> NamedTensor {
      NamedTensor(shape: [values.count], values: values)
    }
    var tensors = [
      "counts.mean": vector(countScale.mean), "counts.scale": vector(countScale.scale),
      "inputs.mean": vector(inputScale.mean), "inputs.scale": vector(inputScale.scale),
    ]
    for (name, tensor) in terms.tensors { tensors["terms.\(name)"] = tensor }
    guesses.put("guesses", into: &tensors)
    if !backgroundNames.isEmpty {
      background.put("background", into: &tensors)
      tensors["background.mean"] = vector(backgroundScale.mean)
      tensors["background.scale"] = vector(backgroundScale.scale)
    }
    for (index, expert) in experts.enumerated() { expert.put("expert.\(index)", into: &tensors) }
    if topics.outputs > 0 { topics.put("topics", into: &tensors) }
    for (index, network) in networks.enumerated() {
      for (name, tensor) in network.tensors { tensors["network.\(index).\(name)"] = tensor }
    }
    for (name, tensor) in trees?.tensors ?? [:] { tensors["trees.\(name)"] = tensor }
    return tensors
  }

  /// Bytes of all its arrays in memory.
  package var byteCount: Int {
    let maps = [background, guesses, topics] + experts
    let others = tensors.filter { !$0.key.hasSuffix(".weights") }
    return terms.byteCount + maps.reduce(0) { $0 + $1.byteCount }
      + others.values.reduce(0) { $0 + $1.values.count * MemoryLayout<Float>.stride }
  }

  /// - Throws: `parameters` when an array is missing or does not fit the description.
  package init(
    _ description: Description, tensors: [String: NamedTensor]
  ) throws(LearningError) {
    let terms = try PromptTerms(description.terms, tensors: tensors.under("terms."))
    let (models, writers) = (description.models.count, description.backgroundNames.count)
    let (experts, topics) = (description.experts ?? 0, description.topics ?? 0)
    guard (1..<10_000) ~= models, writers < 1000, (0..<1000) ~= experts, (0..<1000) ~= topics,
      !description.networks.isEmpty
    else {
      throw LearningError(
        .parameters, at: "description",
        "cannot have \(models) models, \(writers) writers, \(experts) experts, \(topics) topics and "
          + "\(description.networks.count) networks")
    }
    let inputs = Self.featureCount(
      models: models, writers: writers, hasExperts: experts > 0, topics: topics)
    let width = terms.ownWidth + writers
    let dense = terms.termCount..<width
    let networks = try tensors.networks(
      description.networks, inputs: inputs, outputs: Self.levels.count)
    let treeTensors = tensors.under("trees.")
    let trees = treeTensors.isEmpty ? nil : try TreeEnsemble(tensors: treeTensors)
    if let trees, trees.denseWidth != inputs || trees.sparseWidth != 0 || trees.outputWidth != 1 {
      throw LearningError(
        .parameters, at: "trees",
        "\(trees.denseWidth) inputs and \(trees.outputWidth) outputs, expected \(inputs) and 1")
    }
    let none = TermWeights(means: [], weights: [])
    var expertWeights: [TermWeights] = []
    for index in 0..<experts {
      expertWeights.append(
        try TermWeights(
          "expert.\(index)", in: tensors, columns: width, outputs: models + 1, denseColumns: dense))
    }
    self.init(
      models: description.models, terms: terms,
      countScale: try tensors.standardisation("counts", PromptTerms.countNames.count),
      backgroundNames: description.backgroundNames,
      background: writers > 0
        ? try TermWeights(
          "background", in: tensors, columns: terms.width, outputs: writers,
          denseColumns: terms.termCount..<terms.ownWidth) : none,
      backgroundScale: writers > 0
        ? try tensors.standardisation("background", writers)
        : try Standardisation(mean: [], scale: []),
      guesses: try TermWeights(
        "guesses", in: tensors, columns: width, outputs: models + 1 + experts, denseColumns: dense),
      experts: expertWeights,
      topics: topics > 0
        ? try TermWeights("topics", in: tensors, columns: terms.termCount, outputs: topics) : none,
      inputScale: try tensors.standardisation("inputs", inputs), networks: networks,
      trees: trees, calibration: description.calibration, runaway: description.runaway)
  }
}
