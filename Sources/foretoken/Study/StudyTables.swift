import Reporting

/// A study's rows as tables.
struct StudyTables {
  let study: StudyFile
  let summary: StudySummary

  static func number(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e9 ? "\(Int(value))" : "\(value)"
  }

  /// What sets this setting apart, in words.
  func title(_ setting: StudyScene) -> String {
    var parts = [setting.trace, "load \(Self.number(setting.load))"]
    if summary.groups.contains(where: { $0.setting.kvBlocks != setting.kvBlocks }) {
      parts.append("\(setting.kvBlocks) blocks")
    }
    if study.speculation != nil { parts.append(drafts(setting)) }
    return parts.joined(separator: ", ")
  }

  func drafts(_ setting: StudyScene) -> String {
    guard let entry = study.speculation?[setting.speculation] else { return "no drafts" }
    return entry.drafts == "best" ? "best draft length" : "\(entry.drafts) drafts"
  }

  /// A table for people: a few columns, one table a setting.
  func table(_ group: StudySummary.Group) -> Table {
    Table(
      columns: [
        Table.Column("policy / predictor", key: "arm"),
        Table.Column("E2E mean s", key: "e2e_mean", .estimate(.fixed(2))),
        Table.Column("gain", key: "gain_mean", .estimate(.times(2))),
        Table.Column("E2E p99 s", key: "e2e_p99", .estimate(.fixed(1))),
        Table.Column("gain p99", key: "gain_p99", .estimate(.times(2))),
        Table.Column("TTFT mean s", key: "ttft_mean", .number(.fixed(2))),
        Table.Column("p99", key: "ttft_p99", .number(.fixed(1))),
        Table.Column("TPOT ms", key: "tpot_mean", .number(.fixed(1))),
        Table.Column("slowdown", key: "slowdown_mean", .number(.fixed(1))),
        Table.Column("goodput/s", key: "goodput", .number(.fixed(2))),
        Table.Column("preempted", key: "preemptions", .number(.fixed(0))),
      ],
      rows: group.rows.map { row in
        [
          .text(row.arm.name), .estimate(row.latency.mean), .estimate(row.meanGain),
          .estimate(row.latency.p99), .estimate(row.tailGain),
          .number(row.timeToFirstToken.mean.value), .number(row.timeToFirstToken.p99.value),
          .number(row.timePerToken.mean.value * 1e3), .number(row.slowdown.mean.value),
          .number(row.goodput), .number(row.preemptions),
        ]
      })
  }

  var sections: [(title: String, key: String, table: Table)] {
    summary.groups.map { group in
      let title = title(group.setting)
      let key = title.map { $0.isLetter || $0.isNumber || $0 == "." ? $0 : "_" }
      return (title, String(key), table(group))
    }
  }

  /// Everything, a row for each setting and arm: what `study.csv` and `study.json` hold.
  var whole: Table {
    let statistics = ["mean", "p50", "p90", "p95", "p99"]
    typealias Measure = (key: String, path: KeyPath<StudySummary.Row, StudySummary.Statistics>)
    let measures: [Measure] = [
      ("e2e_s", \.latency), ("ttft_s", \.timeToFirstToken), ("tpot_s", \.timePerToken),
      ("slowdown", \.slowdown),
    ]
    typealias Plain = (key: String, path: KeyPath<StudySummary.Row, Double>)
    let plain: [Plain] = [
      ("requests", \.requests), ("finished", \.finished), ("rejected", \.rejected),
      ("preemptions", \.preemptions), ("wasted_tokens", \.wastedTokens), ("steps", \.steps),
      ("drafted", \.drafted), ("accepted", \.accepted), ("makespan_s", \.makespan),
      ("attainment", \.attainment), ("goodput", \.goodput),
      ("output_tokens_per_second", \.outputTokensPerSecond), ("fairness", \.fairness),
      ("starvation", \.starvation), ("kv_use", \.kvUse),
    ]
    var columns = ["trace", "speculation", "policy", "predictor"].map { Table.Column($0, key: $0) }
    columns += ["load", "kv_blocks", "seeds"].map {
      Table.Column($0, key: $0, .number(.fixed(0)))
    }
    columns += measures.flatMap { measure in
      statistics.map {
        Table.Column("\(measure.key) \($0)", key: "\(measure.key)_\($0)", .estimate(.fixed(3)))
      }
    }
    columns += ["gain_mean", "gain_p99"].map { Table.Column($0, key: $0, .estimate(.times(3))) }
    columns += plain.map { Table.Column($0.key, key: $0.key, .number(.fixed(3))) }
    let rows = summary.groups.flatMap { group in
      group.rows.map { row -> [Table.Value] in
        var cells: [Table.Value] = [
          .text(row.setting.trace), .text(drafts(row.setting)), .text(row.arm.policy),
          .text(row.arm.predictor), .number(row.setting.load), .count(row.setting.kvBlocks),
          .count(row.seeds),
        ]
        for measure in measures {
          cells += row[keyPath: measure.path].estimates.map { .estimate($0) }
        }
        cells += [.estimate(row.meanGain), .estimate(row.tailGain)]
        return cells + plain.map { .number(row[keyPath: $0.path]) }
      }
    }
    return Table(columns: columns, rows: rows)
  }
}
