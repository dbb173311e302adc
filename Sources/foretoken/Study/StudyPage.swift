import Reporting
import Workload

/// A study as one HTML page.
struct StudyPage {
  let study: StudyFile
  let summary: StudySummary
  let traces: [String: [Workload.Request]]
  private var tables: StudyTables { StudyTables(study: study, summary: summary) }

  /// - Parameter data: `study.json`, which goes along inside the page.
  func page(data: String) -> Page {
    let charts = StudyCharts(tables: tables)
    func section(_ title: String, _ text: String, _ figures: [Page.Block]) -> Page.Section? {
      figures.isEmpty ? nil : Page.Section(title, [.paragraph(text)] + figures)
    }
    let sections = [
      Page.Section("In short", [.list(findings)]),
      Page.Section(
        "Every policy in every setting",
        summary.groups.map { .table(tables.table($0), caption: tables.title($0.setting)) }),
      section(
        "What accuracy is worth",
        "How many times as short latencies are as the baseline's, against the predictor's rank "
          + "correlation with the truth: 0 knows nothing, 1 is the oracle, at the highest load of each "
          + "trace. Bands are 95 % intervals.",
        charts.qualities()),
      section(
        "Load", "Latency as the trace's arrivals are pressed together.", charts.loads()),
      section(
        "Latency, request by request",
        "The share of requests answered within so long, at the highest load of each trace.",
        charts.distributions()),
      section(
        "Queue and cache over time", "At the highest load of each trace, first seed.",
        charts.timelines()),
      Page.Section("Definitions", [.list(Self.definitions)]),
      Page.Section("What was run", [.facts(facts)]),
    ].compactMap { $0 }
    return Page(
      title: study.title ?? "Scheduling study",
      lead: "\(summary.groups.first?.rows.count ?? 0) policies with their predictors in "
        + "\(summary.groups.count) settings, each on the same arrivals.",
      sections: sections, data: data)
  }

  /// What is best in each setting, by mean latency.
  private var findings: [String] {
    let times = NumberFormat.times(2)
    return summary.groups.map { group in
      let place = tables.title(group.setting) + ": "
      func best(_ rows: [StudySummary.Row]) -> StudySummary.Row? {
        rows.max { $0.meanGain.value < $1.meanGain.value }
      }
      func said(_ row: StudySummary.Row) -> String {
        "\(row.arm.name) is \(times.text(row.meanGain)) as quick in the mean as "
          + "\(group.baseline.arm.name), \(times.text(row.tailGain)) at the 99th percentile"
      }
      let rest = Array(group.rows.dropFirst())
      let honest = rest.filter {
        (try? NamedPredictor($0.arm.predictor))?.isOracle != true
      }
      guard let winner = best(honest.isEmpty ? rest : honest), winner.meanGain.value > 1 else {
        return place + "nothing beats \(group.baseline.arm.name)."
      }
      guard let oracle = best(rest.filter { $0.arm.predictor == "oracle" }),
        oracle.arm != winner.arm
      else { return place + said(winner) + "." }
      return place + said(winner) + "; knowing every length, \(said(oracle))."
    }
  }

  private static let definitions = [
    "E2E, the latency: from arrival to the last token. TTFT: from arrival to the first token, the "
      + "queue included. TPOT: time between tokens after the first, mean per request.",
    "gain = the baseline's statistic over this policy's, on the same arrivals: 2x is half as long.",
    "slowdown = latency over that of the same request with the engine to itself.",
    "Intervals are 95 %: blocks of consecutive requests (as many as the square root of all) and the "
      + "seeds are drawn anew, for both sides of a gain at once.",
    "group: the lengths of the last 512 answers, the same for everybody. noise:t: the true length "
      + "seen through noise, so that Kendall's tau of prediction and truth is t, with calibrated "
      + "quantiles. best-of-ten: knows ten other answers to the prompt, not the one that comes. oracle: "
      + "the true length. Admission by packing with the oracle is clairvoyant: whoever fits at every "
      + "step to come.",
    "load = arrivals per second over the trace's own.",
    "goodput = answers per second whose TTFT and TPOT are within the objective.",
  ]

  private var facts: [(name: String, value: String)] {
    var facts: [(name: String, value: String)] = study.traces.map { trace in
      let requests = traces[trace.name] ?? []
      let file = trace.path.split(separator: "/").last.map(String.init) ?? trace.path
      return (
        "trace \(trace.name)",
        "\(file), \(requests.count) requests in "
          + "\(threeDigits(requests.last?.arrival.seconds ?? 0)) s, step times "
          + "\(trace.stepTimes ?? study.stepTimes ?? "llama2-7b-a100")"
      )
    }
    if let configuration = try? study.configuration(blocks: 1, lookahead: 0) {
      facts.append(
        (
          "engine",
          "\(configuration.batching.rawValue) batching, \(configuration.tokenBudget) tokens and "
            + "\(configuration.maximumRunning) requests a step, blocks of "
            + "\(configuration.blockSize), preemption by \(configuration.preemption.rawValue), "
            + "admission \(study.engine?.admission ?? "on-demand")"
        ))
    }
    for entry in (study.speculation ?? []).compactMap({ $0 }) {
      facts.append(
        (
          "drafts \(entry.drafts)",
          "acceptance \(entry.acceptance ?? 0.7), deviation over requests "
            + "\(entry.acceptanceDeviation ?? 0.15), \(entry.draftStep ?? 1) ms a draft step"
        ))
    }
    facts.append(("seeds", (study.seeds ?? [0]).map { "\($0)" }.joined(separator: ", ")))
    facts.append(
      ("objective", "TTFT \(study.sloTtft ?? 1) s, TPOT \(study.sloTpot ?? 100) ms"))
    return facts
  }
}
