/// What the lengths of a group alone say: the quantiles of all answers of the same model on the same
/// corpus. The baseline that a predictor has to beat.
package struct GroupLengths: Sendable {
  private struct Group: Hashable {
    var model: String
    var dataset: String
  }

  private var groups: [Group: LengthPrediction] = [:]
  private var byModel: [String: LengthPrediction] = [:]
  private var all: LengthPrediction

  /// - Parameter rows: sanitised.
  package init(_ rows: [LengthRow]) {
    func summary(_ rows: [LengthRow]) -> LengthPrediction {
      LengthPrediction(sorted: rows.flatMap(\.outputSizes).map { Float($0) }.sorted())
    }
    all = summary(rows)
    groups = Dictionary(grouping: rows) { Group(model: $0.model, dataset: $0.dataset) }
      .mapValues(summary)
    byModel = Dictionary(grouping: rows, by: \.model).mapValues(summary)
  }

  /// The model on the corpus; on all corpora where that pair did not occur; or everything.
  package func predict(model: String, dataset: String) -> LengthDistribution {
    let group = groups[Group(model: model, dataset: dataset)]
    return LengthDistribution(answer: group ?? byModel[model] ?? all)
  }
}
