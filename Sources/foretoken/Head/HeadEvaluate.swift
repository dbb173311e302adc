import ArgumentParser
import Decoding
import FoundationEssentials
import Learning
import Reporting
import Transformer

/// Scores heads on samples that they were not trained on.
struct HeadEvaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Score heads: divergence, calibration error, Brier score and AUC by position.",
    discussion: """
      Samples must be of prompts that the heads were not trained on. SpecDec++'s head is scored on \
      the teacher-forced samples as it is and with its weight undone; ours, and what the cost-aware \
      policy makes of them while it goes on learning, on the on-policy ones.
      """)

  @Argument(help: "A file that \"head collect\" wrote.")
  var samples: String
  @Option(help: "The heads.")
  var heads = Head.fileName
  @Option(name: .shortAndLong, help: "An HTML page with a reliability diagram to write.")
  var output: String?
  @Flag(help: "Print the table as JSON.")
  var json = false

  /// One way to predict, with what it predicted.
  private struct Scored {
    var name: String
    var predictions: [Double] = []
    var outcomes: [Double] = []
    var depths: [Int] = []
  }

  func run() throws {
    try Failure.reported {
      let file = try HeadSampleFile(contentsOf: samples)
      guard let width = (file.onPolicy.first?.before ?? file.teacherForced.first?.hidden)?.count
      else { throw CommandError(Failure.badData, "\(samples): has no samples") }
      let trained = try HeadFile(contentsOf: heads, hiddenSize: width)
      let all = published(trained, file) + ours(trained, file)
      let scored = all.filter { !$0.outcomes.isEmpty }
      do {
        let table = try Self.table(scored)
        print(json ? table.json : table.text, terminator: "")
      } catch let error as LearningError {
        throw CommandError(Failure.badData, "\(samples): \(error)")
      }
      if let output { try write(scored, to: output) }
    }
  }

  private func published(_ heads: HeadFile, _ file: HeadSampleFile) -> [Scored] {
    guard let head = heads.specDecPlusPlus else { return [] }
    var policy = SpecDecPlusPlus(head: head)
    var (raw, undone) = (Scored(name: "specdec++"), Scored(name: "specdec++, weight undone"))
    let loss = SoftLabelCrossEntropy(
      link: .twoClassSoftmax, rejectionWeight: HeadTraining().rejectionWeight)
    for sample in file.teacherForced {
      let prediction = policy.acceptance(sample.hidden)
      raw.predictions.append(prediction)
      undone.predictions.append(loss.undistorted(prediction))
      raw.outcomes.append(sample.acceptance)
      undone.outcomes.append(sample.acceptance)
    }
    return [raw, undone]
  }

  private func ours(_ heads: HeadFile, _ file: HeadSampleFile) -> [Scored] {
    var (before, after) = (Scored(name: "before the draw"), Scored(name: "after feeding"))
    var confidence = Scored(name: "draft probability")
    var estimator = heads.estimator ?? AcceptanceEstimator()
    var together = Scored(name: "a round so far")
    for (row, sample) in zip(estimator.together(file.onPolicy, heads.heads), file.onPolicy) {
      together.predictions.append(estimator.survival.probability(row.features))
      together.outcomes.append(row.isKept ? 1 : 0)
      together.depths.append(sample.depth)
    }
    for sample in file.onPolicy where sample.outcome != .unreached {
      let estimates = estimator.replay(sample, heads.heads)
      before.predictions.append(estimates.beforeDraw)
      confidence.predictions.append(min(max(sample.confidence, 0), 1))
      before.outcomes.append(sample.acceptance)
      confidence.outcomes.append(sample.acceptance)
      before.depths.append(sample.depth)
      confidence.depths.append(sample.depth)
      if let estimate = estimates.afterFeeding {
        after.predictions.append(estimate)
        after.outcomes.append(sample.acceptance)
        after.depths.append(sample.depth)
      }
    }
    return [confidence, before, after, together]
  }

  private static func table(_ scored: [Scored]) throws(LearningError) -> Table {
    let positions = 4
    let columns: [Table.Column] =
      [
        .init("prediction", key: "prediction"),
        .init("samples", key: "samples", .number(.fixed(0))),
        .init("accepted", key: "mean_acceptance", .number(.percent(1))),
        .init("KL", key: "kl", .number(.fixed(4))), .init("ECE", key: "ece", .number(.percent(2))),
        .init("Brier", key: "brier", .number(.fixed(4))),
        .init("AUC", key: "auc", .number(.fixed(3))),
      ]
      + (1...positions).map {
        Table.Column("AUC at \($0)", key: "auc_at_\($0)", .number(.fixed(3)))
      }
    var rows: [[Table.Value]] = []
    for entry in scored {
      let forecasts = try BinaryForecasts(
        probabilities: entry.predictions, outcomes: entry.outcomes)
      var row: [Table.Value] = [
        .text(entry.name), .count(entry.outcomes.count),
        .number(entry.outcomes.reduce(0, +) / Double(entry.outcomes.count)),
        .number(forecasts.divergence), .number(forecasts.expectedCalibrationError()),
        .number(forecasts.brierScore), .number(forecasts.areaUnderCurve),
      ]
      for depth in 0..<positions {
        let places = entry.depths.indices.filter { entry.depths[$0] == depth }
        guard !places.isEmpty else {
          row.append(.missing)
          continue
        }
        let part = try BinaryForecasts(
          probabilities: places.map { entry.predictions[$0] },
          outcomes: places.map { entry.outcomes[$0] })
        row.append(.number(part.areaUnderCurve))
      }
      rows.append(row)
    }
    return Table(columns: columns, rows: rows).droppingEmptyColumns()
  }

  private func write(_ scored: [Scored], to path: String) throws {
    let curves = scored.map { entry in
      (
        name: entry.name,
        reliability: Reliability(predictions: entry.predictions, outcomes: entry.outcomes)
      )
    }
    let chart = Chart.reliability(
      title: "Predicted against true acceptance",
      summary: "On the diagonal, what is predicted comes true; sticks show how often it is said.",
      predicted: "predicted acceptance", observed: "acceptance", curves)
    let page = Page(
      title: "Acceptance heads", lead: "\(heads), scored on \(samples).",
      sections: [
        Page.Section("Calibration", [.figure(chart, try Self.table(scored))])
      ])
    try TextFile.write(page.html, to: path)
  }
}
