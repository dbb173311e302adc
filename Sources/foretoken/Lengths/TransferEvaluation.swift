import Learning
import Reporting
import Workload

/// How well each model is predicted by what was learnt from the others, with and without a few of its
/// own answers.
///
/// A fifth of the tested prompts is seen by nobody in training; on it every model in turn is
/// predicted by a predictor that was trained without that model. Its few answers are to prompts of
/// the other four fifths, and are drawn several times.
struct TransferEvaluation {
  private struct Line {
    var model: String
    var rows: Int
    var unknown: LengthScores
    var shotMedian: Double
    var moved: [LengthScores]
    var donors: [String]
    var floor: NoiseFloor?
  }

  private var lines: [Line] = []
  private let shots: Int
  private static let repeats = 5

  init(
    _ training: PredictorTraining, isTested: (LengthRow) -> Bool, shots: Int
  ) throws {
    self.shots = shots
    let (_, examples, _) = try training.read()
    let background = try training.background.read(besides: examples)
    var random = SeededRandom(training.seed, 5)
    var isHeldOut: [String: Bool] = [:]
    for example in examples where isHeldOut[example.prompt] == nil {
      isHeldOut[example.prompt] = random.below(5) == 0
    }
    let known = examples.filter { isHeldOut[$0.prompt] == false }
    let held = examples.filter { isHeldOut[$0.prompt] == true && isTested($0.row) }
    for model in Set(held.map(\.row.model)).sorted() {
      let others = try PromptLengthModel.train(
        known.filter { $0.row.model != model }, background: background,
        settings: training.settings
      ) { PredictorTraining.report("without \(model): \($0)") }
      let tested = held.filter { $0.row.model == model }
      // Shots come from the kinds of prompts that are tested.
      let own = known.filter { $0.row.model == model && isTested($0.row) }
      let order = (0..<Self.repeats).map { _ in
        random.permutation(own.count).prefix(shots).map { own[Int($0)] }
      }
      lines.append(Self.line(model, others, tested, order))
    }
  }

  private static func line(
    _ model: String, _ others: PromptLengthModel, _ tested: [LengthExample],
    _ shots: [[LengthExample]]
  ) -> Line {
    let readings = tested.map { others.read($0.prompt) }
    func scores(_ transfer: LengthTransfer) -> LengthScores {
      LengthScores(
        zip(tested, readings).map { example, reading in
          LengthForecast(
            row: example.row,
            predicted: transfer.predict(
              reading, inputSize: example.row.inputSize, decoding: example.row.decoding))
        })
    }
    let transfers = shots.map { LengthTransfer(others, shots: $0) }
    let errors = shots.map { shots in
      let median = Sample(shots.flatMap { $0.row.outputSizes.map(Double.init) }).median ?? 0
      let rows = tested.map { example in
        Sample(example.row.outputSizes.map { abs(Double($0) - median) }).mean ?? 0
      }
      return Sample(rows).mean ?? 0
    }
    return Line(
      model: model, rows: tested.count,
      unknown: scores(LengthTransfer(others, shots: [])),
      shotMedian: Sample(errors).mean ?? 0, moved: transfers.map(scores),
      donors: transfers.map { $0.donor ?? "none" }, floor: NoiseFloor(tested.map(\.row)))
  }

  var section: (title: String, key: String, table: Table) {
    func number(_ title: String, _ key: String, _ digits: Int) -> Table.Column {
      Table.Column(title, key: key, .number(.fixed(digits)))
    }
    func values(_ lines: [Line]) -> [Table.Value] {
      func mean(_ value: (Line) -> Double?) -> Table.Value {
        .number(Sample(lines.compactMap(value)).mean)
      }
      func moved(_ value: @escaping (LengthScores) -> Double?) -> Table.Value {
        mean { Sample($0.moved.compactMap(value)).mean }
      }
      return [
        .count(lines.reduce(0) { $0 + $1.rows }), mean(\.shotMedian),
        mean { $0.unknown[.absoluteError] }, moved { $0[.absoluteError] },
        mean { $0.floor?.meanAbsoluteError }, mean { $0.unknown.kendallTau() },
        moved { $0.kendallTau() }, mean { $0.floor?.kendallTau }, mean { $0.unknown[.covered80] },
        moved { $0[.covered80] },
      ]
    }
    return (
      "Each model by what was learnt from the others, and from \(shots) prompts of its own",
      "transfer",
      Table(
        columns: [
          Table.Column("model", key: "model"), number("rows", "rows", 0),
          number("MAE: median of its \(shots)", "shot_median_mae", 1),
          number("unknown", "unknown_mae", 1), number("with \(shots)", "transfer_mae", 1),
          number("floor", "floor_mae", 1), number("tau-b: unknown", "unknown_tau", 3),
          number("with \(shots)", "transfer_tau", 3), number("floor", "floor_tau", 3),
          Table.Column("in 80 %: unknown", key: "unknown_covered_80", .number(.percent(1))),
          Table.Column("with \(shots)", key: "transfer_covered_80", .number(.percent(1))),
        ],
        rows: lines.map { [.text($0.model)] + values([$0]) } + [
          [.text("mean of models")] + values(lines)
        ])
    )
  }
}
