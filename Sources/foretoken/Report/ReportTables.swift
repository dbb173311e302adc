import Reporting

/// The tables of a report, for people and for programs.
struct ReportTables {
  let header: ReportHeader
  let summary: ReportSummary

  /// One group as people read it.
  func table(_ group: ReportSummary.Group) -> Table {
    var table = results(group)
    table.columns += Self.parts.map {
      Table.Column($0.title, key: $0.title, .number(.percent(0)))
    }
    for (index, row) in group.rows.enumerated() {
      table.rows[index] += Self.parts.map { .number($0.seconds(row.time) / row.time.total) }
    }
    appendOracle(of: group, to: &table)
    return table.droppingEmptyColumns()
  }

  /// The same for a terminal, where all of the time is one column.
  private func narrowTable(_ group: ReportSummary.Group) -> Table {
    var table = results(group)
    table.columns.append(Table.Column("time, %", key: "time"))
    for (index, row) in group.rows.enumerated() {
      let shares = Self.parts.map {
        NumberFormat.fixed(0).text(100 * $0.seconds(row.time) / row.time.total)
      }
      table.rows[index].append(.text(shares.joined(separator: "/")))
    }
    appendOracle(of: group, to: &table)
    return table.droppingEmptyColumns()
  }

  private func appendOracle(of group: ReportSummary.Group, to table: inout Table) {
    guard let oracle = group.oracle else { return }
    table.rows.append(
      table.columns.map { column in
        switch column.key {
        case "policy": .text("oracle")
        case "speedup": .estimate(oracle)
        default: .missing
        }
      })
  }

  private func results(_ group: ReportSummary.Group) -> Table {
    let gain = group.reference.map { "over \($0)" } ?? "gain"
    var columns = [
      Table.Column("policy", key: "policy"),
      Table.Column("tokens/s", key: "tokens_per_second", .number(.fixed(1))),
      Table.Column("speedup [95 %]", key: "speedup", .estimate(.times(2))),
      Table.Column(gain, key: "gain", .estimate(.times(2))),
      Table.Column(
        group.leader.map { "\($0) over it" } ?? "lead", key: "lead", .estimate(.times(2))),
    ]
    columns += Self.rates
    let rows = group.rows.map { row in
      let values: [Table.Value] = [
        .text(row.policy), .number(row.tokensPerSecond.value),
        row.isPlain ? .missing : .estimate(row.speedup),
        row.policy == group.reference ? .missing : .estimate(row.gain),
        row.policy == group.leader ? .missing : .estimate(row.lead),
      ]
      return values + Self.rates(row)
    }
    return Table(columns: columns, rows: rows)
  }

  /// What a group is called.
  func title(_ group: ReportSummary.Group) -> String {
    "\(group.set), temperature \(Self.number(group.temperature)), \(group.prompts) prompts"
  }

  /// Everything, a row for each policy and group, for programs.
  var everything: Table {
    var columns = [
      Table.Column("set", key: "set"),
      Table.Column("temperature", key: "temperature", .number(.fixed(2))),
      Table.Column("policy", key: "policy"),
      Table.Column("prompts", key: "prompts", .number(.fixed(0))),
      Table.Column("runs", key: "runs", .number(.fixed(0))),
      Table.Column("tokens", key: "tokens", .number(.fixed(0))),
      Table.Column("tokens/s", key: "tokens_per_second", .estimate(.fixed(1))),
      Table.Column("speedup", key: "speedup", .estimate(.times(2))),
      Table.Column("reference", key: "reference"),
      Table.Column("gain", key: "gain", .estimate(.times(2))),
      Table.Column("leader", key: "leader"),
      Table.Column("lead", key: "lead", .estimate(.times(2))),
    ]
    columns += Self.rates
    columns += Self.parts.map {
      Table.Column("\($0.title) ms/token", key: $0.title + "_ms_per_token", .number(.fixed(3)))
    }
    var rows: [[Table.Value]] = []
    for group in summary.groups {
      for row in group.rows {
        var values: [Table.Value] = [
          .text(group.set), .number(group.temperature), .text(row.policy), .count(group.prompts),
          .count(row.runs), .count(row.tokens), .estimate(row.tokensPerSecond),
          .estimate(row.speedup), group.reference.map { .text($0) } ?? .missing,
          .estimate(row.gain), group.leader.map { .text($0) } ?? .missing, .estimate(row.lead),
        ]
        values += Self.rates(row)
        values += Self.parts.map { .number(1000 * $0.seconds(row.time)) }
        rows.append(values)
      }
      guard let oracle = group.oracle else { continue }
      rows.append(
        columns.map { column in
          switch column.key {
          case "set": .text(group.set)
          case "temperature": .number(group.temperature)
          case "policy": .text("oracle")
          case "prompts": .count(group.prompts)
          case "speedup": .estimate(oracle)
          default: .missing
          }
        })
    }
    return Table(columns: columns, rows: rows)
  }

  /// What a terminal shows: a table for each group, and whether the text was the same.
  var text: String {
    let tables = summary.groups.map { "\(title($0))\n\n\(narrowTable($0).text)\n" }
    return tables.joined() + notes
  }

  var markdown: String {
    let tables = summary.groups.map { "### \(title($0))\n\n\(narrowTable($0).markdown)\n" }
    return tables.joined() + notes
  }

  private var notes: String {
    guard !summary.groups.isEmpty else { return "No prompt was answered by every policy.\n" }
    let parts = Self.parts.map(\.title).joined(separator: "/")
    return "time: \(parts)\n" + limits.map { $0 + "\n" }.joined() + "\(identity)\n"
  }

  /// What stands in the way of more speed, a sentence for each group.
  var limits: [String] {
    summary.groups.compactMap { group in
      group.ceilings.map {
        "\(group.set) at temperature \(Self.number(group.temperature)): "
          + $0.sentence(oracle: group.oracle)
      }
    }
  }

  /// Whether all policies gave the text that they must, in a sentence.
  var identity: String {
    let identity = summary.identity
    if header.settings.synthetic != nil {
      return "Acceptance was declared, not found: the text means nothing and was not compared."
    }
    guard identity.compared > 0 else {
      return "No two policies had to give the same text: sampling draws anew for each of them."
    }
    guard identity.different > 0 else {
      return
        "Every answer that must be plain decoding's is, token for token: \(identity.compared) of "
        + "\(identity.compared)."
    }
    return
      "WRONG TEXT: \(identity.different) of \(identity.compared) answers differ from plain "
      + "decoding's: " + identity.examples.joined(separator: "; ")
  }

  // MARK: - Columns that tables share

  private static let rates = [
    Table.Column("accepted", key: "acceptance_rate", .number(.percent(1))),
    Table.Column("tok/round", key: "tokens_per_round", .number(.fixed(2))),
    Table.Column("discard", key: "discard_rate", .number(.fixed(3))),
    Table.Column("verify", key: "verification_rate", .number(.fixed(3))),
  ]

  private static func rates(_ row: ReportSummary.Row) -> [Table.Value] {
    [
      .number(row.acceptanceRate), .number(row.tokensPerRound), .number(row.discardRate),
      .number(row.verificationRate),
    ]
  }

  /// What a token's time is made of.
  struct Part: Sendable {
    var title: String
    var seconds: @Sendable (ReportSummary.TimeSplit) -> Double
  }

  static let parts = [
    Part(title: "prompt") { $0.prompt }, Part(title: "draft") { $0.draft },
    Part(title: "policy") { $0.policy }, Part(title: "verify") { $0.verify },
    Part(title: "accept") { $0.accept }, Part(title: "other") { $0.other },
  ]

  /// "0.6", and "0" for 0.
  static func number(_ value: Double) -> String {
    value == value.rounded() ? "\(Int(value))" : "\(value)"
  }
}
