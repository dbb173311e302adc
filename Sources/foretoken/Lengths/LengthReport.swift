import Reporting
import Workload

/// What `lengths stats` says about rows: tables for terminals and programs, pictures for the page.
struct LengthReport {
  let summaries: [LengthSummary]
  let models: [String]
  let datasets: [String]
  let degenerationByModel: [DegenerationShare]
  let degenerationByDataset: [DegenerationShare]
  let floors: [(name: String, floor: NoiseFloor)]
  let comparison: ModelComparison
  let counts: (rows: Int, prompts: Int, degenerate: Int, dropped: Int)

  let examples: [PromptExample]
  private let showsPublished: Bool

  /// - Parameters:
  ///   - rows: as they were collected; they are sanitised here.
  ///   - showsPublished: whether the paper's figures stand beside the rows' own.
  init(_ rows: [LengthRow], showsPublished: Bool = false) {
    let clean = SanitisedRows(rows)
    self.showsPublished = showsPublished
    examples = PromptExample.spread(clean.sanitised, count: 8)
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
      ("Kendall's tau between models' mean lengths", "tau_between_models", tauTable),
    ] + (showsPublished ? [publishedSection] : [])
  }

  /// CASTILLO's table beside what these rows say.
  private var publishedSection: (title: String, key: String, table: Table) {
    func column(_ title: String, _ key: String) -> Table.Column {
      Table.Column(title, key: key, .number(.fixed(1)))
    }
    let rows = PublishedLengths.castillo.compactMap { published -> [Table.Value]? in
      guard let own = summary(published.model, published.dataset) else { return nil }
      return [
        .text(published.model), .text(published.dataset), .count(own.rowCount), .number(own.mean),
        .number(published.mean), .number(own.mean - published.mean), .number(own.standardDeviation),
        .number(published.standardDeviation),
        .number(own.standardDeviation - published.standardDeviation),
      ]
    }
    return (
      "Beside the published means and deviations (arXiv 2505.16881: all splits)", "published",
      Table(
        columns: [
          Table.Column("model", key: "model"), Table.Column("corpus", key: "dataset"),
          Table.Column("rows", key: "rows", .number(.fixed(0))), column("mean", "mean"),
          column("published", "published_mean"), column("difference", "mean_difference"),
          column("deviation", "deviation"), column("published", "published_deviation"),
          column("difference", "deviation_difference"),
        ], rows: rows)
    )
  }

  private var tauTable: Table {
    let columns = comparison.models.map { Table.Column($0, key: $0, .number(.fixed(2))) }
    return Table(
      columns: [Table.Column("model", key: "model")] + columns,
      rows: zip(comparison.models, comparison.tau).map { model, taus in
        [.text(model)] + taus.map { .number($0) }
      })
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

  func cells(_ value: KeyPath<LengthSummary, Double>) -> Table {
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

  func summary(_ model: String, _ dataset: String) -> LengthSummary? {
    summaries.first { $0.model == model && $0.dataset == dataset }
  }

  func table(of shares: [DegenerationShare]) -> Table {
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

  var floorTable: Table {
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

  var comparisonTable: Table {
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
}
