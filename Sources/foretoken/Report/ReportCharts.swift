import Decoding
import Reporting

/// The pictures of a report, each with its numbers.
struct ReportCharts {
  let header: ReportHeader
  let summary: ReportSummary

  private var tables: ReportTables { ReportTables(header: header, summary: summary) }

  // MARK: - Speedup

  /// A picture for each set of prompts, a bar for each policy and temperature.
  func speedups() -> [Page.Block] {
    sets.map { set, groups in
      let policies = header.policies.filter { policy in
        policy != PolicyChoice.plain.description
          && groups.contains { $0.rows.contains { $0.policy == policy } }
      }
      let hasOracle = groups.contains { $0.oracle != nil }
      let bars = groups.map { group in
        (
          name: Self.name(group),
          values: policies.map { policy in group.rows.first { $0.policy == policy }?.speedup }
            + (hasOracle ? [group.oracle] : [])
        )
      }
      let best = groups.compactMap { group in
        group.rows.max { $0.speedup.value < $1.speedup.value }.map {
          "\($0.policy) with \(NumberFormat.times(2).text($0.speedup.value)) at \(Self.name(group))"
        }
      }
      let chart = Chart.bars(
        title: "\(set), \(groups.map(\.prompts).max() ?? 0) prompts",
        summary: "Fastest: \(best.joined(separator: ", ")).",
        value: Chart.Axis("tokens per second over plain decoding's", format: .times(2)),
        categories: policies + (hasOracle ? ["oracle"] : []), groups: bars, reference: 1)
      return .figure(chart, rows(of: groups))
    }
  }

  /// The tables of groups, one below the other.
  private func rows(of groups: [ReportSummary.Group]) -> Table {
    let parts = groups.map { group -> Table in
      var table = tables.table(group)
      if groups.count > 1 {
        table.columns.insert(Table.Column("", key: "group"), at: 1)
        table.rows = table.rows.map { [$0[0], .text(Self.name(group))] + $0.dropFirst() }
      }
      return table
    }
    guard var whole = parts.first else { return Table(columns: [], rows: []) }
    for part in parts.dropFirst() where part.columns.count == whole.columns.count {
      whole.rows += part.rows
    }
    return whole
  }

  // MARK: - The paper's plot

  /// Rejected candidates per token against target forwards per token, for each group.
  func tradeOffs() -> [Page.Block] {
    summary.groups.compactMap { group in
      let rows = group.rows.filter { $0.discardRate != nil && !$0.isPlain }
      guard rows.count > 1 else { return nil }
      func points(_ rows: [ReportSummary.Row]) -> [(point: Chart.Point, label: String)] {
        rows.map { row in
          (
            Chart.Point(row.verificationRate ?? 0, row.discardRate ?? 0),
            row.fixedLength?.description ?? row.policy
          )
        }
      }
      let fixed = rows.filter { $0.fixedLength != nil }
        .sorted { $0.fixedLength ?? 0 < $1.fixedLength ?? 0 }
      let fewest = (
        forwards: rows.min { $0.verificationRate ?? 0 < $1.verificationRate ?? 0 },
        rejected: rows.min { $0.discardRate ?? 0 < $1.discardRate ?? 0 }
      )
      let chart = Chart.scatter(
        title: tables.title(group),
        summary: "Fewest forwards: \(fewest.forwards?.policy ?? "none"). "
          + "Fewest rejected: \(fewest.rejected?.policy ?? "none").",
        x: Chart.Axis("v, target forwards per token", format: .fixed(2)),
        y: Chart.Axis("d, rejected candidates per token", format: .fixed(2)),
        [
          ("always K candidates, by K", true, points(fixed)),
          ("other policies", false, points(rows.filter { $0.fixedLength == nil })),
        ].filter { !$0.2.isEmpty })
      let table = Table(
        columns: [
          Table.Column("policy", key: "policy"),
          Table.Column("v", key: "verification_rate", .number(.fixed(3))),
          Table.Column("d", key: "discard_rate", .number(.fixed(3))),
        ],
        rows: rows.map {
          [.text($0.policy), .number($0.verificationRate), .number($0.discardRate)]
        })
      return .figure(chart, table)
    }
  }

  // MARK: - Time

  /// Milliseconds per token, by what they were spent on, for each group.
  func times() -> [Page.Block] {
    summary.groups.map { group in
      let parts = ReportTables.parts.map { part in
        (name: part.title, values: group.rows.map { 1000 * max(0, part.seconds($0.time)) })
      }
      let ends = (
        least: group.rows.min { $0.time.total < $1.time.total },
        most: group.rows.max { $0.time.total < $1.time.total }
      )
      func name(_ row: ReportSummary.Row?) -> String {
        row.map { "\($0.policy), \(NumberFormat.fixed(2).text(1000 * $0.time.total)) ms" } ?? "none"
      }
      let chart = Chart.stackedBars(
        title: tables.title(group),
        summary: "Least: \(name(ends.least)). Most: \(name(ends.most)).",
        value: Chart.Axis("milliseconds per token", format: .fixed(2)),
        categories: group.rows.map(\.policy), parts: parts)
      let table = Table(
        columns: [Table.Column("policy", key: "policy")]
          + ReportTables.parts.map { Table.Column($0.title, key: $0.title, .number(.fixed(3))) },
        rows: group.rows.map { row in
          [.text(row.policy)]
            + ReportTables.parts.map { .number(1000 * $0.seconds(row.time)) }
        })
      return .figure(chart, table)
    }
  }

  // MARK: - Accepted lengths

  /// How many candidates rounds keep, for the fastest fixed length and the fastest other policy.
  func acceptedLengths() -> [Page.Block] {
    summary.groups.compactMap { group in
      let rows = group.rows.filter { $0.acceptanceRate != nil }
      func fastest(_ isFixed: Bool) -> ReportSummary.Row? {
        rows.filter { ($0.fixedLength != nil) == isFixed }
          .max { $0.speedup.value < $1.speedup.value }
      }
      let shown = [fastest(true), fastest(false)].compactMap { $0 }
      guard !shown.isEmpty else { return nil }
      let longest = rows.map(\.acceptedCounts.count).max() ?? 0
      func shares(_ row: ReportSummary.Row) -> [Double] {
        let all = Double(row.acceptedCounts.reduce(0, +))
        return row.acceptedCounts.map { Double($0) / all }
      }
      let chart = Chart.columns(
        title: tables.title(group),
        summary: shown.map {
          "\($0.policy): \(NumberFormat.fixed(2).text($0.tokensPerRound ?? 1)) tokens a round."
        }.joined(separator: " "),
        x: Chart.Axis("candidates kept in a round"),
        y: Chart.Axis("share of rounds", format: .percent(0)),
        groups: shown.map { ($0.policy, shares($0)) })
      let table = Table(
        columns: [Table.Column("policy", key: "policy")]
          + (0..<longest).map {
            Table.Column("\($0)", key: "rounds_with_\($0)", .number(.percent(1)))
          },
        rows: rows.map { row in
          let shares = shares(row)
          return [.text(row.policy)]
            + (0..<longest).map { $0 < shares.count ? .number(shares[$0]) : .missing }
        })
      return .figure(chart, table)
    }
  }

  // MARK: - Across groups

  /// V(n) as the rounds of this report had it, beside the measured costs that policies went by.
  func verifyCosts() -> [Page.Block] {
    let costs = summary.verifyCosts.filter { $0.forwards >= 3 }
    guard costs.count > 1 else { return [] }
    func points(_ path: KeyPath<ReportSummary.VerifyCost, Double>) -> [Chart.Point] {
      costs.map { Chart.Point(Double($0.tokens), 1000 * $0[keyPath: path]) }
    }
    var lines: [(String, [Chart.Point], (lower: [Chart.Point], upper: [Chart.Point])?)] = [
      (
        "rounds of this report (median and quartiles)", points(\.median),
        (points(\.lower), points(\.upper))
      )
    ]
    let widest = costs.last?.tokens ?? 1
    for context in header.costs?.contexts ?? [] {
      let curve = (1...widest).map {
        Chart.Point(Double($0), 1000 * (header.costs?.verify($0, context: context) ?? 0))
      }
      lines.append(("calibration, \(context) tokens of context", curve, nil))
    }
    let one = costs.first { $0.tokens == 1 }?.median
    let four = costs.first { $0.tokens == 4 }?.median
    var summary = "The flatter it is, the more speculation pays."
    if let one, let four {
      summary += " Verifying 4 tokens takes \(NumberFormat.times(2).text(four / one)) as long as 1."
    }
    let chart = Chart.lines(
      title: "V(n): one forward of the target over n tokens",
      summary: summary,
      x: Chart.Axis("n, tokens in one forward"),
      y: Chart.Axis("milliseconds", format: .fixed(1)), lines)
    let table = Table(
      columns: [
        Table.Column("n", key: "n", .number(.fixed(0))),
        Table.Column("forwards", key: "forwards", .number(.fixed(0))),
        Table.Column("lower quartile ms", key: "lower_ms", .number(.fixed(2))),
        Table.Column("median ms", key: "median_ms", .number(.fixed(2))),
        Table.Column("upper quartile ms", key: "upper_ms", .number(.fixed(2))),
        Table.Column("V(n) / V(1)", key: "ratio", .number(.fixed(2))),
      ],
      rows: self.summary.verifyCosts.map { cost in
        [
          .count(cost.tokens), .count(cost.forwards), .number(1000 * cost.lower),
          .number(1000 * cost.median), .number(1000 * cost.upper),
          .number(one.map { cost.median / $0 }),
        ]
      })
    return [.figure(chart, table)]
  }

  /// The draft's probability of a candidate against how often such candidates are kept.
  func confidence() -> [Page.Block] {
    guard !summary.confidence.isEmpty else { return [] }
    let curves = summary.confidence.map {
      (name: "temperature \(ReportTables.number($0.temperature))", reliability: $0.reliability)
    }
    let errors = summary.confidence.map {
      "\(NumberFormat.percent(1).text($0.reliability.expectedError)) at temperature "
        + ReportTables.number($0.temperature)
    }
    let chart = Chart.reliability(
      title: "The draft's probability of a candidate, and its acceptance",
      summary: "On the dashed line candidates are kept as often as the draft was sure of them. "
        + "Upright lines are the share of candidates. Mean distance (ECE): "
        + errors.joined(separator: ", ") + ".",
      predicted: "the draft's probability of its candidate", observed: "kept", curves)
    let table = Table(
      columns: [
        Table.Column("temperature", key: "temperature"),
        Table.Column("candidates", key: "count", .number(.fixed(0))),
        Table.Column("draft's probability", key: "predicted", .number(.percent(1))),
        Table.Column("kept", key: "observed", .number(.percent(1))),
      ],
      rows: summary.confidence.flatMap { confidence in
        confidence.reliability.bins.map {
          [
            .text(ReportTables.number(confidence.temperature)), .count($0.count),
            .number($0.predicted), .number($0.observed),
          ]
        }
      })
    return [.figure(chart, table)]
  }

  // MARK: - Groups

  /// The groups of each set of prompts, in order.
  private var sets: [(set: String, groups: [ReportSummary.Group])] {
    var sets: [(set: String, groups: [ReportSummary.Group])] = []
    for group in summary.groups {
      if sets.last?.set == group.set {
        sets[sets.count - 1].groups.append(group)
      } else {
        sets.append((group.set, [group]))
      }
    }
    return sets
  }

  private static func name(_ group: ReportSummary.Group) -> String {
    "temperature \(ReportTables.number(group.temperature))"
  }
}
