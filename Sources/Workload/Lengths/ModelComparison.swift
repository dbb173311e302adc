/// How far models agree about the lengths of the same prompts.
package struct ModelComparison: Sendable {
  /// Sorted.
  package let models: [String]
  /// `tau[i][j]`: Kendall's tau-b between the row means of models i and j over the prompts that both
  /// answered; nil where fewer than two are shared.
  package let tau: [[Double?]]
  /// For every prompt that nearly all models answered: its longest mean over its shortest, sorted.
  package let spreads: [Double]

  /// - Parameter absentees: models that may be missing for a prompt's spread to count.
  package init(_ rows: [LengthRow], absentees: Int = 1) {
    let models = Set(rows.map(\.model)).sorted()
    let index = Dictionary(uniqueKeysWithValues: zip(models, models.indices))
    // A model with two ways of decoding, or a prompt that came twice, counts with its last row.
    var means: [String: [Double?]] = [:]
    for row in rows {
      guard let model = index[row.model] else { continue }
      means[row.promptID, default: Array(repeating: nil, count: models.count)][model] =
        row.statistics.mean
    }
    self.models = models
    tau = models.indices.map { i in
      models.indices.map { j in
        let shared = means.values.compactMap { values in
          values[i].flatMap { x in values[j].map { (x, $0) } }
        }
        return rankCorrelation(shared.map(\.0), shared.map(\.1))
      }
    }
    spreads = means.values.compactMap { values in
      let known = values.compactMap(\.self)
      guard known.count >= 2, known.count >= models.count - absentees, let low = known.min(),
        let high = known.max()
      else { return nil }
      return high / low
    }.sorted()
  }

  /// Tau over all pairs of different models: lowest, mean, highest.
  package var tauRange: (lowest: Double, mean: Double, highest: Double)? {
    var values: [Double] = []
    for i in models.indices {
      for j in models.indices where j > i { values += [tau[i][j]].compactMap(\.self) }
    }
    guard let lowest = values.min(), let highest = values.max() else { return nil }
    return (lowest, values.reduce(0, +) / Double(values.count), highest)
  }
}
