/// One prompt under many models, to look at.
package struct PromptExample: Equatable, Sendable {
  /// The corpus, and the first digits of the prompt's identifier.
  package var name: String
  /// By model.
  package var answers: [String: LengthStatistics]

  /// Some of those prompts that the most models answered, from one for which models hardly differ to
  /// one for which they differ most.
  package static func spread(_ rows: [LengthRow], count: Int) -> [PromptExample] {
    let prompts = Dictionary(grouping: rows, by: \.promptID)
    let most = prompts.values.map { Set($0.map(\.model)).count }.max() ?? 0
    func ratio(_ rows: [LengthRow]) -> Double {
      let means = rows.map(\.statistics.mean)
      return (means.max() ?? 1) / max(1, means.min() ?? 1)
    }
    let ranked = prompts.filter { Set($0.value.map(\.model)).count == most }
      .map { (id: $0.key, rows: $0.value, ratio: ratio($0.value)) }
      .sorted { ($0.ratio, $0.id) < ($1.ratio, $1.id) }
    guard ranked.count > 1, count > 1 else { return ranked.map { example($0.id, $0.rows) } }
    let shown = min(count, ranked.count)
    return (0..<shown).map { place in
      let chosen = ranked[place * (ranked.count - 1) / (shown - 1)]
      return example(chosen.id, chosen.rows)
    }
  }

  private static func example(_ id: String, _ rows: [LengthRow]) -> PromptExample {
    PromptExample(
      name: "\(rows.first?.dataset ?? "") \(id.prefix(4))",
      answers: Dictionary(rows.map { ($0.model, $0.statistics) }) { first, _ in first })
  }
}
