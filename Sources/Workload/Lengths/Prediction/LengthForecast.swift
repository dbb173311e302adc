package import Learning

/// A row with what was predicted for it before it was looked at.
package struct LengthForecast: Sendable {
  /// Sanitised.
  package var row: LengthRow
  package var predicted: LengthDistribution

  package init(row: LengthRow, predicted: LengthDistribution) {
    self.row = row
    self.predicted = predicted
  }
}

/// Predictions for rows by models that have not seen the rows' prompts.
package struct HeldOutPredictions: Sendable {
  /// The held-out examples.
  package private(set) var examples: [LengthExample] = []
  /// Which model predicted each; models are trained without the prompts that they predict.
  private(set) var folds: [Int] = []
  /// Logarithms of quantiles, before calibration.
  private(set) var logQuantiles: [[Float]] = []
  /// The group baseline from the same training rows.
  private var baselines: [LengthDistribution] = []
  private var runaway: RunawayRates
  /// The one that was trained last: what costs are measured on.
  package private(set) var lastModel: PromptLengthModel?

  /// Cuts the prompts of the examples for which `isHeldOut` into folds, and predicts each fold by
  /// what was trained on all other prompts, those that are never held out included.
  ///
  /// - Parameter originals: rows before sanitising, for the rates of runaway answers.
  package init(
    _ examples: [LengthExample], heldOut isHeldOut: (LengthRow) -> Bool, folds count: Int,
    background: [BackgroundAnswers], settings: PromptLengthSettings, originals: [LengthRow],
    report: (String) -> Void
  ) throws(LearningError) {
    runaway = RunawayRates(originals)
    var random = SeededRandom(settings.seed, 3)
    var foldOfPrompt: [String: Int] = [:]
    for example in examples where isHeldOut(example.row) && foldOfPrompt[example.prompt] == nil {
      foldOfPrompt[example.prompt] = random.below(count)
    }
    for fold in 0..<count {
      let training = examples.filter { foldOfPrompt[$0.prompt] != fold }
      let held = examples.filter { foldOfPrompt[$0.prompt] == fold && isHeldOut($0.row) }
      let model = try PromptLengthModel.train(training, background: background, settings: settings)
      {
        report("fold \(fold + 1) of \(count): \($0)")
      }
      append(held, by: model, trainedOn: training, fold: fold)
    }
  }

  /// Predicts `tested` by one model trained on `training`; prompts that occur in both are left out.
  package init(
    training: [LengthExample], tested: [LengthExample], background: [BackgroundAnswers],
    settings: PromptLengthSettings, originals: [LengthRow], report: (String) -> Void
  ) throws(LearningError) {
    runaway = RunawayRates(originals)
    let known = Set(training.map(\.prompt))
    let model = try PromptLengthModel.train(
      training, background: background, settings: settings, report: report)
    append(tested.filter { !known.contains($0.prompt) }, by: model, trainedOn: training, fold: 0)
  }

  private mutating func append(
    _ held: [LengthExample], by model: PromptLengthModel, trainedOn training: [LengthExample],
    fold: Int
  ) {
    lastModel = model
    let groups = GroupLengths(training.map(\.row))
    var readings: [String: PromptLengthModel.Reading] = [:]
    for example in held {
      let row = example.row
      let reading = readings[example.prompt] ?? model.read(example.prompt)
      readings[example.prompt] = reading
      examples.append(example)
      folds.append(fold)
      logQuantiles.append(
        model.logQuantiles(
          reading, model: model.models.firstIndex(of: row.model), inputSize: row.inputSize,
          decoding: row.decoding))
      baselines.append(groups.predict(model: row.model, dataset: row.dataset))
    }
  }

  /// Shifts that make these predictions hold, fitted on those folds for which `isUsed`.
  package func calibration(
    using isUsed: (Int) -> Bool = { _ in true }
  ) throws(LearningError) -> LengthCalibration {
    try LengthCalibration(
      fitting: examples.indices.filter { isUsed(folds[$0]) }.map { index in
        LengthCalibration.Case(
          model: examples[index].row.model, logQuantiles: logQuantiles[index],
          logDraws: examples[index].row.outputSizes.map { logarithm(Double($0)) })
      })
  }

  /// What the group baseline said.
  package var groupForecasts: [LengthForecast] {
    zip(examples, baselines).map { LengthForecast(row: $0.row, predicted: $1) }
  }

  /// Without calibration.
  package var rawForecasts: [LengthForecast] {
    examples.indices.map { forecast($0, LengthCalibration()) }
  }

  /// Each fold calibrated on the other folds; needs two.
  package func calibratedForecasts() throws(LearningError) -> [LengthForecast] {
    var byFold: [Int: LengthCalibration] = [:]
    for fold in Set(folds) { byFold[fold] = try calibration { $0 != fold } }
    return examples.indices.map { forecast($0, byFold[folds[$0]] ?? LengthCalibration()) }
  }

  /// All of them with a calibration from elsewhere.
  package func forecasts(_ calibration: LengthCalibration) -> [LengthForecast] {
    examples.indices.map { forecast($0, calibration) }
  }

  private func forecast(_ index: Int, _ calibration: LengthCalibration) -> LengthForecast {
    let row = examples[index].row
    return LengthForecast(
      row: row,
      predicted: LengthDistribution(
        logQuantiles: logQuantiles[index], shifts: calibration.shifts(for: row.model),
        runawayProbability: runaway.probability(for: row.model)))
  }
}
