import Reporting

/// A report as one HTML page.
struct ReportPage {
  let header: ReportHeader
  let summary: ReportSummary
  private var tables: ReportTables { ReportTables(header: header, summary: summary) }
  private var charts: ReportCharts { ReportCharts(header: header, summary: summary) }

  /// - Parameter data: `report.json`, which goes along inside the page.
  func page(data: String) -> Page {
    func section(_ title: String, _ text: String, _ figures: [Page.Block]) -> Page.Section? {
      figures.isEmpty ? nil : Page.Section(title, [.paragraph(text)] + figures)
    }
    var sections = [
      Page.Section("In short", [.list(findings)]),
      section(
        "Speedup over plain decoding",
        "Whiskers are 95 % intervals over prompts; the dashed line is plain decoding. The oracle knows "
          + "which of the draft's candidates will be kept: what nobody can beat who drafts one chain, "
          + "without second candidates and look-ups.",
        charts.speedups()),
      tables.limits.isEmpty
        ? nil
        : Page.Section(
          "What stands in the way of more",
          [
            .paragraph(
              "The fastest policy of each set, and how fast it would be if one term of its cost were "
                + "gone: every candidate kept, a draft that takes no time, V(n) = V(1), no prompt to "
                + "read (for plain decoding neither)."),
            .list(tables.limits),
          ]),
      section(
        "Discarded candidates against verifications",
        "Down and to the left is better: fewer rejected candidates and fewer target forwards for "
          + "as many tokens. Fixed lengths lie on the line; a policy below it knows when to stop.",
        charts.tradeOffs()),
      section("Where the time goes", "What a token takes, part by part.", charts.times()),
      section(
        "Accepted candidates per round",
        "The share of rounds that kept so many candidates, for the fastest fixed length and the "
          + "fastest other policy; all are in the tables.",
        charts.acceptedLengths()),
      section(
        "The two models",
        "What speculation lives on: cheap verification and a draft that knows "
          + "when it is right.",
        charts.verifyCosts() + charts.confidence()),
    ].compactMap { $0 }
    sections.append(Page.Section("Definitions", [.list(Self.definitions)]))
    sections.append(Page.Section("How it was measured", [.facts(facts)]))
    return Page(
      title: "Speculative decoding: what each policy gains",
      lead: "\(header.policies.count) policies on \(header.prompts.count) prompts, every policy on "
        + "every prompt, interleaved and in random order.",
      sections: sections, data: data)
  }

  /// The fastest policy of each group, and whether the text is the same.
  private var findings: [String] {
    let format = NumberFormat.times(2)
    let winners = summary.groups.compactMap { group -> String? in
      guard let best = group.rows.max(by: { $0.speedup.value < $1.speedup.value }) else {
        return nil
      }
      let place = "\(group.set) at temperature \(ReportTables.number(group.temperature)): "
      guard !best.isPlain else { return place + "no policy is faster than plain decoding." }
      let speed = "\(best.policy) is \(format.text(best.speedup)) as fast as plain decoding"
      guard let gain = best.gain, let reference = group.reference, reference != best.policy else {
        return place + speed + "."
      }
      return place + speed + " and \(format.text(gain)) as fast as \(reference)."
    }
    return winners + [tables.identity]
  }

  private static let definitions = [
    "speedup = (tokens / seconds) of a policy over (tokens / seconds) of plain decoding on the same "
      + "prompts; seconds are those of a clock on the wall and include reading the prompt.",
    "Intervals are 95 % paired bootstrap intervals over prompts: 2,000 times as many prompts are "
      + "drawn anew as there are, for both sides of a ratio at once. With repeats, a prompt's pace "
      + "is the median of its repeats.",
    "accepted = candidates kept / candidates proposed; a second candidate for a place counts as one.",
    "tok/round = tokens after the first / rounds: the kept candidates and the target's own token.",
    "d, the discard rate = candidates rejected / tokens after the first. "
      + "v, the verification rate = target forwards / tokens after the first (SpecDec++, 2405.19715). "
      + "accepted = (1 - v) / (1 - v + d).",
    "oracle = the least time of the same text, had it been known which of the draft's tokens are "
      + "kept, by the medians of t_d, V(n) and the overhead in this report: at least this fast, since "
      + "where no policy asked the draft it counts as wrong. Only where the text is fixed: at "
      + "temperature 0, or with coupled verification.",
    "V(n) = seconds of one target forward over n tokens; a round with K candidates, second ones "
      + "among them, verifies K + 1, and one more behind a second one that was kept.",
    "prompt: reading the prompt and drawing the first token. draft: the draft's forwards and draws, "
      + "its reading of the prompt included. policy: deciding how long to draft. verify: the "
      + "target's forwards. accept: making distributions, judging and drawing, rewinding. other: "
      + "opening sequences and keeping records.",
  ]

  private var facts: [(name: String, value: String)] {
    let settings = header.settings
    func list<Value: CustomStringConvertible>(_ values: [Value]) -> String {
      values.map(\.description).joined(separator: ", ")
    }
    func model(_ facts: ModelFacts) -> String {
      "\(facts.path), \(NumberFormat.fixed(1).text(Double(facts.parameters) / 1e6)) M parameters as "
        + "\(facts.dtype), sha256 \(facts.sha256)"
    }
    var facts = [
      ("begun", header.started), ("version", "foretoken \(header.toolVersion)"),
      ("processor", header.machine.description),
      ("target", model(header.target)), ("draft", header.draft.map(model) ?? "none"),
      ("temperatures", settings.temperatures.map(ReportTables.number).joined(separator: ", ")),
      ("filters", "top-k \(settings.topK), top-p \(settings.topP), min-p \(settings.minP)"),
      ("seeds", list(settings.seeds)), ("repeats", "\(settings.repeats)"),
      ("longest answer", "\(settings.maxTokens) tokens"),
      (
        "verification",
        settings.synthetic.map { "synthetic, rates \(list($0.rates))" }
          ?? settings.verification.rawValue
      ),
    ]
    if settings.hasRandomDraft == true { facts.append(("draft's weights", "random")) }
    if settings.isRaw { facts.append(("prompts", "as they are, without the chat format")) }
    return facts
  }
}
