import ArgumentParser
import Workload

/// Trains a predictor of answers' lengths from prompts, and calibrates it on prompts held out.
struct LengthsTrain: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Train a predictor of how long answers will be, from the prompt alone.")

  @OptionGroup var training: PredictorTraining

  @Option(name: .shortAndLong, help: "The file to write.", completion: .file())
  var output: String

  @Option(
    help: """
      Calibrate on rows of this split only: those whose corpora and models are mixed as in use.
      """)
  var calibrationSplit: String?

  @Option(
    help: ArgumentHelp(
      "Train on the hidden states in this folder of \"lengths collect\", not on the prompts' texts.",
      valueName: "folder"), completion: .directory)
  var states: String?

  func run() throws {
    try Failure.reported {
      if let states { return try trainOnStates(folder: states) }
      let (originals, examples, withoutText) = try training.read()
      let answers = try training.background.read(besides: examples)
      let heldOut = try HeldOutPredictions(
        examples, heldOut: { calibrationSplit == nil || $0.split == calibrationSplit },
        folds: training.folds, background: answers, settings: training.settings,
        originals: originals, report: PredictorTraining.report)
      var model = try PromptLengthModel.train(
        examples, background: answers, settings: training.settings,
        report: PredictorTraining.report)
      PredictorTraining.endReport()
      model.calibration = try heldOut.calibration()
      model.runaway = RunawayRates(originals)
      let forecasts = try heldOut.calibratedForecasts()
      let scores = LengthScores(forecasts)
      let facts =
        "\(examples.count) rows, \(Set(examples.map(\.prompt)).count) prompts, "
        + "\(model.models.count) models, seed \(training.seed)"
      try LengthPredictorFile.write(model, to: output, provenance: facts)
      print("trained on \(facts); \(withoutText) rows without text left out")
      print(
        "held out by \(training.folds) folds of prompts: MAE of a draw "
          + "\(scores[.absoluteError].fixed(1)) tokens, Kendall's tau "
          + "\((scores.kendallTau() ?? 0).fixed(3))")
      printCoverage(forecasts)
    }
  }

  private func printCoverage(_ forecasts: [LengthForecast]) {
    let byModel = Dictionary(grouping: forecasts, by: \.row.model).values.map { LengthScores($0) }
    for (level, measure) in [(80, LengthScores.Measure.covered80), (90, .covered90)] {
      let shares = byModel.map { 100 * $0[measure] }
      print(
        "its \(level) % intervals hold \((shares.min() ?? 0).fixed(1)) % to "
          + "\((shares.max() ?? 0).fixed(1)) % of the draws of each model")
    }
  }

  private func trainOnStates(folder: String) throws {
    let rows = SanitisedRows(try training.files.read()).sanitised
    let examples = try StateLengthFiles.read(rows, folder: folder)
    let heldOut = try HeldOutStates(
      examples, folds: training.folds, settings: training.stateSettings,
      report: PredictorTraining.report)
    var model = try StateLengthModel.train(
      examples, settings: training.stateSettings, report: PredictorTraining.report)
    PredictorTraining.endReport()
    model.calibration = heldOut.calibration
    let facts =
      "\(examples.count) prompts, \(examples.reduce(0) { $0 + $1.row.outputSizes.count }) answers, "
      + "\(heldOut.later.count) later states, seed \(training.seed)"
    try StateLengthFile.write(model, to: output, provenance: facts)
    let scores = LengthScores(
      zip(examples, heldOut.openings).map { LengthForecast(row: $0.row, predicted: $1) })
    print("trained on \(facts)")
    print(
      "held out by \(training.folds) folds of prompts: MAE of a draw before its first token "
        + "\(threeDigits(scores[.absoluteError])) tokens")
  }
}
