import ArgumentParser
import Reporting
import Workload

/// Scores predictors against held-out rows, beside the group baseline and the noise floor.
struct LengthsEvaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Score predictions of lengths beside the group median and the noise floor.",
    discussion: """
      Without --predictor, models are trained here. By default the prompts of the rows of \
      --test-split (all, if it is not given) are cut into folds, and each fold is predicted by a \
      model trained on all other rows. With --train-split one model is trained on the rows of that \
      split alone and predicts the rows of --test-split. With --transfer-shots every model is \
      predicted in turn by what was learnt from the others, and from a few prompts of its own.
      """)

  @OptionGroup var training: PredictorTraining

  @Option(
    help: ArgumentHelp(
      "Also score predictions from the hidden states in this folder of \"lengths collect\", before "
        + "and while answers are generated.", valueName: "folder"), completion: .directory)
  var states: String?

  @Option(help: "Score this trained predictor on the rows; they must not be those it saw.")
  var predictor: String?

  @Option(help: "Train on the rows of this split only.")
  var trainSplit: String?

  @Option(help: "Score the rows of this split only.")
  var testSplit: String?

  @Option(help: "Score the rows of these corpora only, separated by commas.")
  var datasets: String?

  @Option(
    help: ArgumentHelp(
      "Leave each model out and predict it from its answers to so many prompts.",
      valueName: "prompts"))
  var transferShots: Int?

  @Option(help: "Resamples of prompts for 95 % intervals; 0 for none.")
  var resamples = 200

  @Option(help: "How to print: \(TableFormat.allCases.map(\.rawValue).joined(separator: ", ")).")
  var format = TableFormat.table

  func validate() throws {
    guard transferShots ?? 1 > 0 else { throw ValidationError("--transfer-shots takes 1 or more") }
    guard resamples >= 0 else { throw ValidationError("--resamples takes 0 or more") }
  }

  func run() throws {
    try Failure.reported {
      if let states {
        let sections = try stateSections(folder: states)
        PredictorTraining.endReport()
        return print(format.render(sections), terminator: "")
      }
      if let transferShots {
        let transfer = try TransferEvaluation(
          training, isTested: isTested, shots: transferShots)
        PredictorTraining.endReport()
        print(format.render([transfer.section]), terminator: "")
        return
      }
      let (forecasts, cost) = try makeForecasts()
      PredictorTraining.endReport()
      let evaluation = LengthEvaluation(
        forecasts, cost: cost, resamples: resamples, seed: training.seed)
      print(format.render(evaluation.sections), terminator: "")
    }
  }

  private func isTested(_ row: LengthRow) -> Bool {
    guard testSplit == nil || row.split == testSplit else { return false }
    return datasets.map { $0.split(separator: ",").contains { $0 == row.dataset } } ?? true
  }

  /// Hidden states against the prompt alone on the same rows, all held out by folds of prompts.
  private func stateSections(
    folder: String
  ) throws -> [(title: String, key: String, table: Table)] {
    let (_, all, _) = try training.read()
    let states = try StateLengthFiles.read(
      all.map(\.row).filter(isTested), folder: folder)
    let known = Set(states.map(\.row.sampleID))
    let examples = all.filter { known.contains($0.row.sampleID) }
    let prompts = try HeldOutPredictions(
      examples, heldOut: { _ in true }, folds: training.folds,
      background: training.background.read(besides: examples), settings: training.settings,
      originals: examples.map(\.row), report: PredictorTraining.report)
    let heldOut = try HeldOutStates(
      states, folds: training.folds, settings: training.stateSettings,
      report: PredictorTraining.report)
    func byRow(_ forecasts: [LengthForecast]) -> [String: LengthDistribution] {
      Dictionary(forecasts.map { ($0.row.sampleID, $0.predicted) }) { first, _ in first }
    }
    let promptForecasts = try prompts.calibratedForecasts()
    let tables = StateLengthTables(
      examples: states, heldOut: heldOut, promptOnly: byRow(promptForecasts),
      group: byRow(prompts.groupForecasts),
      bootstrap: Bootstrap(seed: training.seed, resamples: max(1, resamples)))
    let evaluation = LengthEvaluation(
      [
        ("group quantiles", prompts.groupForecasts), ("prompt only", promptForecasts),
        ("hidden state", tables.openingForecasts),
      ], cost: nil, resamples: resamples, seed: training.seed)
    return evaluation.sections + [
      ("Error of what is left, by tokens generated", "by_generated", tables.curve)
    ]
  }

  private func makeForecasts() throws -> (
    [(name: String, forecasts: [LengthForecast])], PredictorCost?
  ) {
    let (originals, examples, _) = try training.read()
    if let predictor {
      let model = try LengthPredictorFile.read(predictor)
      let tested = examples.filter { isTested($0.row) }
      let groups = GroupLengths(examples.map(\.row))
      let forecasts = [
        (
          "group quantiles of these rows",
          tested.map {
            LengthForecast(
              row: $0.row, predicted: groups.predict(model: $0.row.model, dataset: $0.row.dataset))
          }
        ),
        (
          "predictor",
          tested.map { example in
            LengthForecast(
              row: example.row,
              predicted: model.predict(
                model.read(example.prompt), model: example.row.model,
                inputSize: example.row.inputSize, decoding: example.row.decoding))
          }
        ),
      ]
      return (forecasts, PredictorCost(model, tested))
    }
    let answers = try training.background.read(besides: examples)
    guard let trainSplit else {
      let heldOut = try HeldOutPredictions(
        examples, heldOut: isTested, folds: training.folds, background: answers,
        settings: training.settings, originals: originals, report: PredictorTraining.report)
      let forecasts = [
        ("group quantiles", heldOut.groupForecasts), ("raw", heldOut.rawForecasts),
        ("calibrated", try heldOut.calibratedForecasts()),
      ]
      return (forecasts, heldOut.lastModel.flatMap { PredictorCost($0, heldOut.examples) })
    }
    let learnt = examples.filter { $0.row.split == trainSplit }
    let ownFolds = try HeldOutPredictions(
      learnt, heldOut: { _ in true }, folds: training.folds, background: answers,
      settings: training.settings, originals: learnt.map(\.row), report: PredictorTraining.report)
    let tested = try HeldOutPredictions(
      training: learnt, tested: examples.filter { isTested($0.row) }, background: answers,
      settings: training.settings, originals: originals.filter { $0.split == trainSplit },
      report: PredictorTraining.report)
    let forecasts = [
      ("group quantiles", tested.groupForecasts), ("raw", tested.rawForecasts),
      ("calibrated on \(trainSplit)", tested.forecasts(try ownFolds.calibration())),
    ]
    return (forecasts, tested.lastModel.flatMap { PredictorCost($0, tested.examples) })
  }
}
