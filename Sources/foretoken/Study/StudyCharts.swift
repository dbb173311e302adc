import Reporting
import Workload

/// The pictures of a study, each with its numbers.
struct StudyCharts {
  let tables: StudyTables
  private var summary: StudySummary { tables.summary }

  private static let seconds = Chart.Axis("latency, seconds", scale: .logarithmic)
  /// Lines that one picture can tell apart.
  private static let most = 7

  /// The baseline and those that differ most from it and each other: both ends and what is between.
  private func shown(_ group: StudySummary.Group) -> [StudySummary.Row] {
    let rest = group.rows.dropFirst().sorted { $0.meanGain.value > $1.meanGain.value }
    guard rest.count >= Self.most else { return [group.baseline] + rest }
    let stride = Double(rest.count - 1) / Double(Self.most - 2)
    return [group.baseline]
      + (0..<Self.most - 1).map { rest[Int((Double($0) * stride).rounded())] }
  }

  // MARK: - Distributions

  func distributions() -> [Page.Block] {
    top.map { group in
      let rows = shown(group)
      let series = rows.enumerated().map { index, row in
        Chart.Series(
          row.arm.name, .ordinal(index),
          [
            .line(
              row.distribution.enumerated().filter { $0.element > 0 }.map {
                Chart.Point($0.element, Double($0.offset) / 100)
              })
          ])
      }
      let chart = Chart(
        title: tables.title(group.setting),
        summary: "Half of the requests are answered within "
          + rows.prefix(3).map { "\(threeDigits($0.distribution[50])) s (\($0.arm.name))" }
          .joined(separator: ", ") + ".",
        x: Self.seconds, y: Chart.Axis("share answered", format: .percent(0), range: 0...1),
        series: series)
      return .figure(chart, tables.table(group))
    }
  }

  // MARK: - Time lines

  func timelines() -> [Page.Block] {
    busiest.flatMap { group -> [Page.Block] in
      let rows = shown(group).prefix(4)
      func figure(_ what: String, _ axis: Chart.Axis, _ values: (StudySummary.Row) -> [Float])
        -> Page.Block
      {
        let lines = rows.enumerated().map { index, row in
          Chart.Series(
            row.arm.name, .ordinal(index),
            [
              .line(
                zip(row.first.times, values(row)).map {
                  Chart.Point(Double($0) / 60, Double($1))
                })
            ])
        }
        let peaks = rows.map { row in
          "\(row.arm.name) \(axis.format.text(Double(values(row).max() ?? 0)))"
        }
        let chart = Chart(
          title: "\(tables.title(group.setting)): \(what)",
          summary: "At most: \(peaks.joined(separator: ", ")).",
          x: Chart.Axis("minutes"), y: axis, series: lines)
        let table = Table(
          columns: [
            Table.Column("policy / predictor", key: "arm"),
            Table.Column("mean", key: "mean", .number(axis.format)),
            Table.Column("at most", key: "peak", .number(axis.format)),
          ],
          rows: rows.map { row in
            let values = values(row).map { Double($0) }
            return [
              .text(row.arm.name), .number(Sample(values).mean), .number(values.max()),
            ]
          })
        return .figure(chart, table)
      }
      return [
        figure("requests waiting", Chart.Axis("requests waiting")) { $0.first.waiting },
        figure("cache in use", Chart.Axis("share of the cache", format: .percent(0), range: 0...1))
        {
          $0.first.cache
        },
      ]
    }
  }

  /// The highest load of each trace, with the least cache.
  private var busiest: [StudySummary.Group] {
    var found: [String: StudySummary.Group] = [:]
    var order: [String] = []
    for group in summary.groups {
      let name = group.setting.trace
      guard let old = found[name] else {
        order.append(name)
        found[name] = group
        continue
      }
      let isBusier =
        (-old.setting.load, old.setting.kvBlocks, old.setting.speculation)
        > (-group.setting.load, group.setting.kvBlocks, group.setting.speculation)
      if isBusier { found[name] = group }
    }
    return order.compactMap { found[$0] }
  }

  /// The busiest settings, with and without drafts: what pictures of one setting are drawn of.
  private var top: [StudySummary.Group] {
    busiest.flatMap { busy in
      summary.groups.filter {
        $0.setting.trace == busy.setting.trace && $0.setting.load == busy.setting.load
          && $0.setting.kvBlocks == busy.setting.kvBlocks
      }
    }
  }

  // MARK: - What accuracy is worth

  /// Gain over the baseline against the predictor's tau, for each policy; random order's tau is 0 and
  /// the oracle's 1.
  func qualities() -> [Page.Block] {
    top.flatMap { group in
      [("mean", \StudySummary.Row.meanGain), ("99th percentile", \StudySummary.Row.tailGain)]
        .compactMap { quality(group, $0.0, $0.1) }
    }
  }

  func quality(
    _ group: StudySummary.Group, _ what: String, _ gain: KeyPath<StudySummary.Row, Estimate>
  ) -> Page.Block? {
    typealias Point = (tau: Double, row: StudySummary.Row)
    var policies: [(name: String, points: [Point])] = []
    for row in group.rows {
      guard let tau = (try? NamedPredictor(row.arm.predictor))?.quality else { continue }
      if let index = policies.firstIndex(where: { $0.name == row.arm.policy }) {
        policies[index].points.append((tau, row))
      } else {
        policies.append((row.arm.policy, [(tau, row)]))
      }
    }
    policies = policies.filter { $0.points.count > 1 }.prefix(Self.most).map { policy in
      (policy.name, policy.points.sorted { $0.tau < $1.tau })
    }
    guard !policies.isEmpty else { return nil }
    var series = policies.enumerated().map { index, policy in
      func points(_ side: (Estimate) -> Double) -> [Chart.Point] {
        policy.points.map { Chart.Point($0.tau, side($0.row[keyPath: gain])) }
      }
      let middle = points(\.value)
      return Chart.Series(
        policy.name, .ordinal(index),
        [.band(lower: points(\.low), upper: points(\.high)), .line(middle)]
          + middle.map { .dot($0) })
    }
    series.insert(
      Chart.Series("", .muted, [.line([Chart.Point(0, 1), Chart.Point(1, 1)], dashed: true)]), at: 0
    )
    let best = policies.compactMap { policy -> String? in
      guard let last = policy.points.last else { return nil }
      return "\(policy.name) \(NumberFormat.times(2).text(last.row[keyPath: gain].value))"
    }
    let chart = Chart(
      title: "\(tables.title(group.setting)): \(what) latency",
      summary: "With the oracle: \(best.joined(separator: ", ")).",
      x: Chart.Axis("Kendall's tau of the predictor", format: .fixed(1), range: 0...1),
      y: Chart.Axis(
        "times as short as with \(group.baseline.arm.name)", format: .times(1)), series: series)
    let table = Table(
      columns: [
        Table.Column("policy", key: "policy"), Table.Column("tau", key: "tau", .number(.fixed(2))),
        Table.Column("gain", key: "gain", .estimate(.times(2))),
      ],
      rows: policies.flatMap { policy in
        policy.points.map {
          [.text(policy.name), .number($0.tau), .estimate($0.row[keyPath: gain])]
        }
      })
    return .figure(chart, table)
  }

  /// One picture of the study: what each predicting policy gains by the predictor's tau at the highest
  /// load of each trace, in the mean and (dashed) at the 99th percentile; of several ways to speculate
  /// the first. Nil where a study has no predictors of different quality.
  func overview() -> Chart? {
    func points(
      _ group: StudySummary.Group, _ policy: String, _ gain: KeyPath<StudySummary.Row, Estimate>
    ) -> [Chart.Point] {
      group.rows.compactMap { row -> Chart.Point? in
        guard row.arm.policy == policy,
          let tau = (try? NamedPredictor(row.arm.predictor))?.quality
        else { return nil }
        return Chart.Point(tau, row[keyPath: gain].value)
      }.sorted { $0.x < $1.x }
    }
    let shown = top.filter { $0.setting.speculation == top[0].setting.speculation }
    let lines = shown.flatMap { group in
      var policies: [String] = []
      for row in group.rows where !policies.contains(row.arm.policy) {
        policies.append(row.arm.policy)
      }
      return policies.compactMap {
        policy -> (name: String, mean: [Chart.Point], tail: [Chart.Point])? in
        let mean = points(group, policy, \.meanGain)
        guard mean.count > 1 else { return nil }
        return (
          "\(tables.title(group.setting)): \(policy)", mean,
          points(group, policy, \.tailGain)
        )
      }
    }
    let series = lines.prefix(Self.most).enumerated().map { index, line in
      Chart.Series(
        line.name, .ordinal(index),
        [.line(line.mean)] + line.mean.map { .dot($0) } + [.line(line.tail, dashed: true)])
    }
    guard !series.isEmpty else { return nil }
    let one = Chart.Series(
      "", .muted, [.line([Chart.Point(0, 1), Chart.Point(1, 1)], dashed: true)])
    return Chart(
      title: "What a length prediction is worth",
      summary: "Mean latency (solid) and 99th percentile (dashed), times as short as with "
        + "\(summary.groups.first?.baseline.arm.name ?? "").",
      x: Chart.Axis(
        "Kendall's tau of the predictor: 0 knows nothing, 1 is the oracle", format: .fixed(1),
        range: 0...1),
      y: Chart.Axis(
        "times as short as \(summary.groups.first?.baseline.arm.name ?? ""): mean, p99 dashed",
        format: .times(1)), series: [one] + series)
  }

  // MARK: - Loads

  /// Mean and tail latency over the load, where a trace has several.
  func loads() -> [Page.Block] {
    var families: [[StudySummary.Group]] = []
    for group in summary.groups {
      func key(_ scene: StudyScene) -> [String] {
        [scene.trace, "\(scene.kvBlocks)", "\(scene.speculation)"]
      }
      if let index = families.firstIndex(where: { key($0[0].setting) == key(group.setting) }) {
        families[index].append(group)
      } else {
        families.append([group])
      }
    }
    return families.filter { $0.count > 1 }.flatMap { family in
      [("mean", \StudySummary.Statistics.mean), ("99th percentile", \StudySummary.Statistics.p99)]
        .map { load(family.sorted { $0.setting.load < $1.setting.load }, $0.0, $0.1) }
    }
  }

  private func load(
    _ family: [StudySummary.Group], _ what: String,
    _ statistic: KeyPath<StudySummary.Statistics, Estimate>
  ) -> Page.Block {
    let arms = family.last.map { shown($0).map(\.arm) } ?? []
    func points(_ arm: StudyArm, _ side: (Estimate) -> Double) -> [Chart.Point] {
      family.compactMap { group in
        group.rows.first { $0.arm == arm }.map {
          Chart.Point(group.setting.load, side($0.latency[keyPath: statistic]))
        }
      }
    }
    let lines = arms.enumerated().map { index, arm in
      Chart.Series(
        arm.name, .ordinal(index),
        [.band(lower: points(arm, \.low), upper: points(arm, \.high)), .line(points(arm, \.value))]
          + points(arm, \.value).map { .dot($0) })
    }
    var title = family.first.map { tables.title($0.setting) } ?? ""
    let load = family.first.map { ", load \(StudyTables.number($0.setting.load))" } ?? ""
    title = title.replacing(load, with: "")
    let chart = Chart(
      title: "\(title): \(what) latency",
      summary: "Lower is better; a curve that turns up later carries more load.",
      x: Chart.Axis("load, times the trace's own rate", format: .fixed(1)),
      y: Chart.Axis("seconds", scale: .logarithmic), series: lines)
    let table = Table(
      columns: [Table.Column("load", key: "load", .number(.fixed(2)))]
        + arms.map { Table.Column($0.name, key: $0.name, .estimate(.fixed(2))) },
      rows: family.map { group in
        [.number(group.setting.load)]
          + arms.map { arm in
            .estimate(group.rows.first { $0.arm == arm }?.latency[keyPath: statistic])
          }
      })
    return .figure(chart, table)
  }
}
