import Reporting
import Workload

/// What `lengths stats` says about rows: tables for terminals and programs, pictures for the page.
struct LengthReport {
  private let summaries: [LengthSummary]
  private let models: [String]
  private let datasets: [String]
  private let degenerationByModel: [DegenerationShare]
  private let degenerationByDataset: [DegenerationShare]
  private let floors: [(name: String, floor: NoiseFloor)]
  private let comparison: ModelComparison
  private let counts: (rows: Int, prompts: Int, degenerate: Int, dropped: Int)

  /// - Parameter rows: as they were collected; they are sanitised here.
  init(_ rows: [LengthRow]) {
    let clean = SanitisedRows(rows)
    summaries = LengthSummary.byModelAndDataset(clean.sanitised)
    models = Set(clean.sanitised.map(\.model)).sorted()
    datasets = Set(clean.sanitised.map(\.dataset)).sorted()
    degenerationByModel = DegenerationShare.by(\.model, rows)
    degenerationByDataset = DegenerationShare.by(\.dataset, rows)
    let byModel = Dictionary(grouping: clean.sanitised, by: \.model)
    var floors = models.compactMap { model in
      NoiseFloor(byModel[model] ?? []).map { (name: model, floor: $0) }
    }
    if let all = NoiseFloor(clean.sanitised) { floors.append(("all", all)) }
    self.floors = floors
    comparison = ModelComparison(clean.sanitised)
    counts = (
      rows.count, Set(rows.map(\.promptID)).count, clean.degenerate.count, clean.droppedCount
    )
  }

  var sections: [(title: String, key: String, table: Table)] {
    [
      ("Rows", "rows", countTable),
      ("Mean length, tokens (average over rows of output_mean)", "means", cells(\.mean)),
      (
        "Standard deviation within rows, tokens (average of output_std)", "deviations",
        cells(\.standardDeviation)
      ),
      ("Runaway answers by model", "degeneration_by_model", table(of: degenerationByModel)),
      ("Runaway answers by corpus", "degeneration_by_dataset", table(of: degenerationByDataset)),
      ("Noise floor: the first draw against the median of the others", "floor", floorTable),
      ("Models side by side", "comparison", comparisonTable),
    ]
  }

  // MARK: - Tables

  private var countTable: Table {
    Table(
      columns: [
        Table.Column("rows", key: "rows", .number(.fixed(0))),
        Table.Column("prompts", key: "prompts", .number(.fixed(0))),
        Table.Column("models", key: "models", .number(.fixed(0))),
        Table.Column("degenerate", key: "degenerate", .number(.fixed(0))),
        Table.Column("dropped", key: "dropped", .number(.fixed(0))),
      ],
      rows: [
        [
          .count(counts.rows), .count(counts.prompts), .count(models.count),
          .count(counts.degenerate), .count(counts.dropped),
        ]
      ])
  }

  private func cells(_ value: KeyPath<LengthSummary, Double>) -> Table {
    let columns = datasets.map { Table.Column($0, key: $0, .number(.fixed(1))) }
    return Table(
      columns: [Table.Column("model", key: "model")] + columns,
      rows: models.map { model in
        [.text(model)]
          + datasets.map { dataset in
            .number(summary(model, dataset).map { $0[keyPath: value] })
          }
      })
  }

  private func summary(_ model: String, _ dataset: String) -> LengthSummary? {
    summaries.first { $0.model == model && $0.dataset == dataset }
  }

  private func table(of shares: [DegenerationShare]) -> Table {
    let all = Double(max(1, counts.degenerate))
    return Table(
      columns: [
        Table.Column("", key: "group"),
        Table.Column("rows", key: "rows", .number(.fixed(0))),
        Table.Column("degenerate", key: "degenerate", .number(.fixed(0))),
        Table.Column("of its rows", key: "share", .number(.percent(2))),
        Table.Column("of all degenerate", key: "share_of_degenerate", .number(.percent(1))),
        Table.Column("runaway draws", key: "runaway_draws", .number(.fixed(0))),
      ],
      rows: shares.map {
        [
          .text($0.group), .count($0.rowCount), .count($0.degenerateCount), .number($0.share),
          .number(Double($0.degenerateCount) / all), .count($0.runawayDrawCount),
        ]
      })
  }

  private var floorTable: Table {
    Table(
      columns: [
        Table.Column("model", key: "model"),
        Table.Column("rows", key: "rows", .number(.fixed(0))),
        Table.Column("MAE", key: "mae", .number(.fixed(1))),
        Table.Column("RMSE", key: "rmse", .number(.fixed(1))),
        Table.Column("tau-b", key: "kendall_tau", .number(.fixed(3))),
        Table.Column("within 50", key: "within_50", .number(.percent(1))),
        Table.Column("within 100", key: "within_100", .number(.percent(1))),
        Table.Column("within-prompt variance", key: "variance_share", .number(.percent(1))),
      ],
      rows: floors.map { name, floor in
        [
          .text(name), .count(floor.rowCount), .number(floor.meanAbsoluteError),
          .number(floor.rootMeanSquareError), .number(floor.kendallTau), .number(floor.within50),
          .number(floor.within100), .number(floor.varianceShare),
        ]
      })
  }

  private var comparisonTable: Table {
    let spread = Sample(comparison.spreads)
    let tau = comparison.tauRange
    return Table(
      columns: [
        Table.Column("tau, mean", key: "tau_mean", .number(.fixed(3))),
        Table.Column("lowest", key: "tau_lowest", .number(.fixed(3))),
        Table.Column("highest", key: "tau_highest", .number(.fixed(3))),
        Table.Column("shared prompts", key: "shared_prompts", .number(.fixed(0))),
        Table.Column("longest/shortest, p50", key: "spread_p50", .number(.times(1))),
        Table.Column("p90", key: "spread_p90", .number(.times(1))),
      ],
      rows: [
        [
          .number(tau?.mean), .number(tau?.lowest), .number(tau?.highest), .count(spread.count),
          .number(spread.median), .number(spread.quantile(0.9)),
        ]
      ])
  }

  // MARK: - The page

  var page: Page {
    Page(
      title: "How long the answers are",
      lead: "\(counts.rows) rows of \(counts.prompts) prompts under \(models.count) models. "
        + "\(counts.degenerate) rows had runaway answers, which are left out below.",
      sections: [
        Page.Section(
          "By model and corpus",
          sections[1...2].map { .table($0.table, caption: $0.title) }
            + [.figure(variationChart, variationTable), .figure(boxChart, boxTable)]),
        Page.Section(
          "Runaway answers", sections[3...4].map { .table($0.table, caption: $0.title) }),
        Page.Section(
          "What nobody can predict", [.table(floorTable, caption: sections[5].title)]),
        Page.Section("Models side by side", [.table(comparisonTable, caption: sections[6].title)]),
      ])
  }

  private var variationChart: Chart {
    Chart.bars(
      title: "Spread of the answers to one prompt",
      summary: "Standard deviation over mean, averaged over prompts, with its standard error.",
      value: Chart.Axis("standard deviation / mean", format: .percent(0)), categories: models,
      groups: datasets.map { dataset in
        (
          dataset,
          models.map { model in
            summary(model, dataset).map {
              Estimate(
                value: $0.variation, low: $0.variation - $0.variationError,
                high: $0.variation + $0.variationError)
            }
          }
        )
      })
  }

  private var variationTable: Table { cells(\.variation) }

  private static func label(_ summary: LengthSummary) -> String {
    "\(summary.model) · \(summary.dataset)"
  }

  /// Boxes from P25 to P75 with whiskers from P1 to P90, a dot at the median.
  private var boxChart: Chart {
    let marks = summaries.enumerated().flatMap { place, summary -> [Chart.Mark] in
      let (box, y) = (summary.means, Double(place))
      return [
        .whisker(Chart.Point(box.p1, y), Chart.Point(box.p90, y)),
        .bar(x: box.p25...box.p75, y: (y - 0.3)...(y + 0.3), note: Self.label(summary)),
        .dot(Chart.Point(box.p50, y)),
      ]
    }
    var chart = Chart(
      title: "Mean lengths of prompts",
      summary: "Boxes from the first to the third quartile, whiskers from P1 to P90.",
      x: Chart.Axis("tokens"),
      y: Chart.Axis("", scale: .categories(summaries.map(Self.label))),
      series: [Chart.Series("", .ordinal(0), marks)])
    chart.height = 90 + 22 * Double(summaries.count)
    return chart
  }

  private var boxTable: Table {
    let titles = ["P1", "P25", "P50", "P75", "P90", "P99"]
    let columns = titles.map { Table.Column($0, key: $0.lowercased(), .number(.fixed(1))) }
    return Table(
      columns: [Table.Column("model and corpus", key: "group")] + columns,
      rows: summaries.map { summary in
        let box = summary.means
        return [.text(Self.label(summary))]
          + [box.p1, box.p25, box.p50, box.p75, box.p90, box.p99].map { .number($0) }
      })
  }
}
