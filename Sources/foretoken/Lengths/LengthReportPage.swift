import Reporting
import Workload

/// The page of `lengths stats`: the tables with the pictures of the paper, and those that it lacks.
extension LengthReport {
  var page: Page {
    let tables = sections
    func table(_ key: String) -> [Page.Block] {
      tables.filter { $0.key == key }.map { .table($0.table, caption: $0.title) }
    }
    return Page(
      title: "How long the answers are",
      lead: "\(counts.rows) rows of \(counts.prompts) prompts under \(models.count) models. "
        + "\(counts.degenerate) rows had runaway answers, which are left out below.",
      sections: [
        Page.Section(
          "The same prompts, different models",
          [
            .figure(exampleChart, exampleTable), .figure(spreadChart, comparisonTable),
          ] + table("comparison") + table("tau_between_models")),
        Page.Section(
          "By model and corpus",
          table("means") + table("deviations")
            + [
              .figure(variationChart, cells(\.variation)),
              .figure(boxChart(\.means, Self.meanBoxes), boxTable(\.means)),
              .figure(boxChart(\.deviations, Self.deviationBoxes), boxTable(\.deviations)),
            ] + table("published")),
        Page.Section(
          "Runaway answers",
          [
            degenerationFigure("model", degenerationByModel),
            degenerationFigure("corpus", degenerationByDataset),
          ]),
        Page.Section(
          "What nobody can predict", [.figure(floorChart, floorTable)]),
      ])
  }

  // MARK: - Spread within a prompt

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

  // MARK: - Boxes

  /// The words of a chart of boxes, and how far its whiskers reach.
  private struct BoxWords {
    var title: String
    var whisker: KeyPath<LengthSummary.Box, Double>
    var end: String
  }

  private static var meanBoxes: BoxWords {
    BoxWords(title: "Mean lengths of prompts", whisker: \.p90, end: "P90")
  }

  private static var deviationBoxes: BoxWords {
    BoxWords(title: "Standard deviations within prompts", whisker: \.p99, end: "P99")
  }

  private static func label(_ summary: LengthSummary) -> String {
    "\(summary.model) · \(summary.dataset)"
  }

  /// Boxes from P25 to P75 with whiskers, a dot at the median, a colour for each corpus.
  private func boxChart(
    _ box: KeyPath<LengthSummary, LengthSummary.Box>, _ words: BoxWords
  ) -> Chart {
    let series = datasets.enumerated().map { place, dataset in
      Chart.Series(
        dataset, .ordinal(place),
        summaries.enumerated().filter { $0.element.dataset == dataset }.flatMap {
          place, summary -> [Chart.Mark] in
          let (box, y) = (summary[keyPath: box], Double(place))
          return [
            .whisker(
              Chart.Point(box.p1, y), Chart.Point(max(box.p75, box[keyPath: words.whisker]), y)),
            .bar(x: box.p25...box.p75, y: (y - 0.3)...(y + 0.3), note: Self.label(summary)),
            .dot(Chart.Point(box.p50, y)),
          ]
        })
    }
    var chart = Chart(
      title: words.title,
      summary: "Boxes from the first to the third quartile, whiskers from P1 to \(words.end).",
      x: Chart.Axis("tokens"),
      y: Chart.Axis("", scale: .categories(summaries.map(Self.label))), series: series)
    chart.height = 90 + 22 * Double(summaries.count)
    return chart
  }

  private func boxTable(_ box: KeyPath<LengthSummary, LengthSummary.Box>) -> Table {
    let titles = ["P1", "P25", "P50", "P75", "P90", "P99"]
    let columns = titles.map { Table.Column($0, key: $0.lowercased(), .number(.fixed(1))) }
    return Table(
      columns: [Table.Column("model and corpus", key: "group")] + columns,
      rows: summaries.map { summary in
        let box = summary[keyPath: box]
        return [.text(Self.label(summary))]
          + [box.p1, box.p25, box.p50, box.p75, box.p90, box.p99].map { .number($0) }
      })
  }

  // MARK: - Between models

  private var exampleChart: Chart {
    let names = examples.map(\.name)
    let series = models.enumerated().map { place, model in
      Chart.Series(
        model, .ordinal(place),
        examples.enumerated().flatMap { category, example -> [Chart.Mark] in
          guard let answers = example.answers[model] else { return [] }
          let lane = (Double(place) + 0.5) / Double(models.count) - 0.5
          let y = Double(category) + 0.8 * lane
          return [
            .whisker(
              Chart.Point(max(0, answers.mean - answers.standardDeviation), y),
              Chart.Point(answers.mean + answers.standardDeviation, y)),
            .dot(Chart.Point(answers.mean, y)),
          ]
        })
    }
    var chart = Chart(
      title: "Some prompts under every model",
      summary: "Mean of the answers to one prompt, with a standard deviation to both sides.",
      x: Chart.Axis("tokens"), y: Chart.Axis("", scale: .categories(names)), series: series)
    chart.height = 90 + Double(examples.count) * max(30, 6 * Double(models.count))
    return chart
  }

  private var exampleTable: Table {
    Table(
      columns: [Table.Column("prompt", key: "prompt")]
        + models.map { Table.Column($0, key: $0, .number(.fixed(1))) },
      rows: examples.map { example in
        [.text(example.name)] + models.map { .number(example.answers[$0]?.mean) }
      })
  }

  private var spreadChart: Chart {
    Chart.cumulative(
      title: "How far models lie apart on one prompt",
      summary: "Longest mean over shortest mean of a prompt under nearly all models; share of "
        + "prompts.",
      x: Chart.Axis("longest mean / shortest mean", scale: .logarithmic, format: .times(0)),
      [("", Sample(comparison.spreads))])
  }

  // MARK: - Runaway answers and the floor

  private func degenerationFigure(_ kind: String, _ shares: [DegenerationShare]) -> Page.Block {
    let chart = Chart.bars(
      title: "Rows with runaway answers by \(kind)",
      summary: "Share of the rows of each \(kind) that have a runaway answer.",
      value: Chart.Axis("of its rows", format: .percent(1)), categories: shares.map(\.group),
      groups: [("", shares.map { Estimate(value: $0.share, low: $0.share, high: $0.share) })])
    return .figure(chart, table(of: shares))
  }

  private var floorChart: Chart {
    let errors = floors.map(\.floor.meanAbsoluteError)
    return Chart.bars(
      title: "Noise floor",
      summary: "Mean absolute error of a draw against the median of the other draws of its row.",
      value: Chart.Axis("tokens"), categories: floors.map(\.name),
      groups: [("", errors.map { Estimate(value: $0, low: $0, high: $0) })])
  }
}
