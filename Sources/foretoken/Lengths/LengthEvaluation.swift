import Reporting
import Workload

/// The tables of `lengths evaluate`.
struct LengthEvaluation {
  private let named: [(name: String, forecasts: [LengthForecast], scores: LengthScores)]
  private let floor: NoiseFloor?
  private let floorByModel: [String: NoiseFloor]
  private let resamples: Int
  private let seed: UInt64
  private let cost: PredictorCost?

  init(
    _ named: [(name: String, forecasts: [LengthForecast])], cost: PredictorCost?, resamples: Int,
    seed: UInt64
  ) {
    self.cost = cost
    self.named = named.map { ($0.name, $0.forecasts, LengthScores($0.forecasts)) }
    let rows = named.last?.forecasts.map(\.row) ?? []
    floor = NoiseFloor(rows)
    floorByModel = Dictionary(grouping: rows, by: \.model).compactMapValues { NoiseFloor($0) }
    self.resamples = resamples
    self.seed = seed
  }

  var sections: [(title: String, key: String, table: Table)] {
    [
      ("Points: the predicted median against draws", "points", pointTable),
      ("Distributions", "distributions", distributionTable),
      ("Where draws fall: share of them in each tenth of the prediction", "pit", integralTable),
      ("Reserving a predicted quantile", "reservations", reservationTable),
      ("By model: \(named.last?.name ?? "")", "by_model", groupTable(\.model, floorByModel)),
      ("By corpus: \(named.last?.name ?? "")", "by_dataset", groupTable(\.dataset, [:])),
    ] + (cost.map { [("Cost, on one core", "cost", $0.table)] } ?? [])
  }

  /// Reservations that cover alike can be compared by what they leave unused.
  private var reservationTable: Table {
    Table(
      columns: [
        Table.Column("", key: "predictor"), Self.percent("quantile", "level"),
        Self.percent("draws that fit", "covered"), Self.number("unused", "unused", 1),
      ],
      rows: named.flatMap { name, _, scores in
        zip(LengthScores.reservationLevels, scores.reservations).map { level, reserved in
          [.text(name), .number(level), .number(reserved.covered), .number(reserved.unused)]
        }
      })
  }

  private var integralTable: Table {
    Table(
      columns: [Table.Column("", key: "predictor")]
        + (1...10).map { Self.percent("to \(10 * $0) %", "tenth_\($0)") },
      rows: named.map { name, _, scores in
        [.text(name)] + scores.probabilityIntegral.map { .number($0) }
      })
  }

  private static func number(_ title: String, _ key: String, _ digits: Int) -> Table.Column {
    Table.Column(title, key: key, .number(.fixed(digits)))
  }

  private static func percent(_ title: String, _ key: String) -> Table.Column {
    Table.Column(title, key: key, .number(.percent(1)))
  }

  // MARK: - Points

  private var pointTable: Table {
    var rows: [[Table.Value]] = named.map { name, _, scores in
      [
        .text(name), .count(scores.rowCount), mean(scores, .absoluteError),
        .number(scores.rootMeanSquareError), tau(scores), .number(scores.kendallTau(window: 32)),
        .number(scores[.within50]), .number(scores[.within100]),
      ]
    }
    if let floor {
      rows.append([
        .text("floor: median of the other draws"), .count(floor.rowCount),
        .number(floor.meanAbsoluteError), .number(floor.rootMeanSquareError),
        .number(floor.kendallTau), .number(floor.kendallTauInWindows), .number(floor.within50),
        .number(floor.within100),
      ])
    }
    return Table(
      columns: [
        Table.Column("", key: "predictor"), Self.number("rows", "rows", 0),
        Table.Column("MAE of a draw", key: "mae", .estimate(.fixed(1))),
        Self.number("RMSE", "rmse", 1),
        Table.Column("tau-b", key: "kendall_tau", .estimate(.fixed(3))),
        Self.number("in 32", "kendall_tau_window", 3), Self.percent("within 50", "within_50"),
        Self.percent("within 100", "within_100"),
      ], rows: rows)
  }

  private func mean(_ scores: LengthScores, _ measure: LengthScores.Measure) -> Table.Value {
    guard resamples > 0 else { return .number(scores[measure]) }
    let bootstrap = Bootstrap(seed: seed, resamples: resamples)
    let rows = scores.sumsByPrompt.map { [$0[1 + measure.rawValue], $0[0]] }
    return .estimate(bootstrap.estimate(rows) { $0[1] > 0 ? $0[0] / $0[1] : nil })
  }

  private func tau(_ scores: LengthScores) -> Table.Value {
    guard let value = scores.kendallTau() else { return .missing }
    guard resamples > 0 else { return .number(value) }
    var random = RandomSource(seed: seed)
    let prompts = scores.sumsByPrompt.indices
    let found = (0..<resamples).compactMap { _ in
      scores.kendallTau(prompts: prompts.map { _ in Int.random(in: prompts, using: &random) })
    }
    let sample = Sample(found)
    return .estimate(
      Estimate(
        value: value, low: sample.quantile(0.025) ?? value, high: sample.quantile(0.975) ?? value))
  }

  // MARK: - Distributions

  private var distributionTable: Table {
    var table = predictedDistributions
    if let floor {
      var row = [Table.Value](repeating: .missing, count: table.columns.count)
      row[0] = .text("floor: the other draws (fair)")
      row[table.columns.firstIndex { $0.key == "crps" } ?? 0] = .number(floor.rankedProbability)
      table.rows.append(row)
    }
    return table
  }

  private var predictedDistributions: Table {
    Table(
      columns: [
        Table.Column("", key: "predictor"), Self.number("pinball 10", "pinball_10", 1),
        Self.number("50", "pinball_50", 1), Self.number("90", "pinball_90", 1),
        Self.number("99", "pinball_99", 1), Self.number("CRPS", "crps", 1),
        Self.percent("in 80 %", "coverage_80"), Self.number("width", "width_80", 0),
        Self.percent("in 90 %", "coverage_90"), Self.number("width", "width_90", 0),
        Self.percent("below P90", "coverage_p90"), Self.number("unused", "unused_p90", 1),
        Self.percent("over P99", "exceeded_p99"), Self.number("PIT distance", "pit_distance", 3),
      ],
      rows: named.map { name, _, scores in
        [
          .text(name), .number(scores[.pinball10]), .number(scores[.pinball50]),
          .number(scores[.pinball90]), .number(scores[.pinball99]),
          .number(scores[.rankedProbability]), .number(scores[.covered80]),
          .number(scores[.width80]), .number(scores[.covered90]), .number(scores[.width90]),
          .number(scores[.covered90Upper]), .number(scores[.unused90]),
          .number(scores[.exceeded99]), .number(scores.calibrationDistance),
        ]
      })
  }

  // MARK: - Groups

  private func groupTable(
    _ group: KeyPath<LengthRow, String>, _ floors: [String: NoiseFloor]
  ) -> Table {
    func scores(_ forecasts: [LengthForecast]) -> [String: LengthScores] {
      Dictionary(grouping: forecasts) { $0.row[keyPath: group] }.mapValues { LengthScores($0) }
    }
    let best = scores(named.last?.forecasts ?? [])
    let baseline = scores(named.first?.forecasts ?? [])
    let rows = Dictionary(grouping: named.last?.forecasts ?? []) { $0.row[keyPath: group] }
    return Table(
      columns: [
        Table.Column("", key: "group"), Self.number("rows", "rows", 0),
        Self.number("MAE", "mae", 1), Self.number("group median", "group_mae", 1),
        Self.number("floor", "floor_mae", 1), Self.number("tau-b", "kendall_tau", 3),
        Self.number("group median", "group_tau", 3), Self.number("floor", "floor_tau", 3),
        Self.percent("in 80 %", "coverage_80"), Self.percent("in 90 %", "coverage_90"),
        Self.percent("below P90", "coverage_p90"), Self.number("unused", "unused_p90", 1),
      ],
      rows: best.sorted { $0.key < $1.key }.map { name, scores in
        let floor = floors[name] ?? NoiseFloor((rows[name] ?? []).map(\.row))
        return [
          .text(name), .count(scores.rowCount), .number(scores[.absoluteError]),
          .number(baseline[name]?[.absoluteError]), .number(floor?.meanAbsoluteError),
          .number(scores.kendallTau()), .number(baseline[name]?.kendallTau()),
          .number(floor?.kendallTau), .number(scores[.covered80]), .number(scores[.covered90]),
          .number(scores[.covered90Upper]), .number(scores[.unused90]),
        ]
      })
  }
}
