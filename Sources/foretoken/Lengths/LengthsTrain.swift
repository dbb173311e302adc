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

  func run() throws {
    try Failure.reported {
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
      let scores = LengthScores(try heldOut.calibratedForecasts())
      let facts =
        "\(examples.count) rows, \(Set(examples.map(\.prompt)).count) prompts, "
        + "\(model.models.count) models, seed \(training.seed)"
      try LengthPredictorFile.write(model, to: output, provenance: facts)
      print("trained on \(facts); \(withoutText) rows without text left out")
      print(
        "held out by \(training.folds) folds of prompts: MAE of a draw "
          + "\(threeDigits(scores[.absoluteError])) tokens")
    }
  }
}
