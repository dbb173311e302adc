/// The rows of one model on one corpus in figures: a cell of CASTILLO's tables and a bar, a box of
/// its figures (section 4 of the paper).
package struct LengthSummary: Equatable, Sendable {
  package var model: String
  package var dataset: String
  package var rowCount: Int
  /// Averages over rows of the row's mean and of its standard deviation, in tokens.
  package var mean: Double
  package var standardDeviation: Double
  /// Mean over rows of standard deviation over mean, with its standard error.
  package var variation: Double
  package var variationError: Double
  /// Quantiles of the rows' means and of their deviations: the boxes.
  package var means: Box
  package var deviations: Box

  package struct Box: Equatable, Sendable {
    package var p1: Double
    package var p10: Double
    package var p25: Double
    package var p50: Double
    package var p75: Double
    package var p90: Double
    package var p99: Double

    /// - Parameter values: at least one.
    package init(_ values: [Double]) {
      let sorted = values.sorted()
      func at(_ q: Double) -> Double {
        let position = q * Double(sorted.count - 1)
        let below = Int(position)
        let above = min(below + 1, sorted.count - 1)
        return sorted[below] + (sorted[above] - sorted[below]) * (position - Double(below))
      }
      (p1, p10, p25, p50, p75, p90, p99) =
        (at(0.01), at(0.1), at(0.25), at(0.5), at(0.75), at(0.9), at(0.99))
    }
  }

  /// - Parameter rows: at least one; all of them are of the model and the corpus named.
  package init(model: String, dataset: String, rows: [LengthRow]) {
    let count = Double(rows.count)
    func average(_ values: [Double]) -> Double { values.reduce(0, +) / count }
    let means = rows.map(\.statistics.mean)
    let deviations = rows.map(\.statistics.standardDeviation)
    let variations = rows.map(\.statistics.coefficientOfVariation)
    let variation = average(variations)
    let variance = average(variations.map { ($0 - variation) * ($0 - variation) })
    self.model = model
    self.dataset = dataset
    rowCount = rows.count
    mean = average(means)
    standardDeviation = average(deviations)
    self.variation = variation
    variationError = (variance / count).squareRoot()
    self.means = Box(means)
    self.deviations = Box(deviations)
  }

  /// One summary for each model and corpus, sorted by model, then by corpus.
  package static func byModelAndDataset(_ rows: [LengthRow]) -> [LengthSummary] {
    var groups: [String: [String: [LengthRow]]] = [:]
    for row in rows { groups[row.model, default: [:]][row.dataset, default: []].append(row) }
    return groups.sorted { $0.key < $1.key }.flatMap { model, corpora in
      corpora.sorted { $0.key < $1.key }.map {
        LengthSummary(model: model, dataset: $0.key, rows: $0.value)
      }
    }
  }
}

/// How many rows of a group had runaway answers.
package struct DegenerationShare: Equatable, Sendable {
  /// A model's or a corpus's name.
  package var group: String
  package var rowCount: Int
  package var degenerateCount: Int
  /// Runaway draws among the draws of degenerate rows.
  package var runawayDrawCount: Int

  package var share: Double { rowCount > 0 ? Double(degenerateCount) / Double(rowCount) : 0 }

  /// - Parameters:
  ///   - rows: as they were collected, not sanitised.
  ///   - group: what a row is counted under: `\.model`, `\.dataset`.
  /// - Returns: the groups, those with the most degenerate rows first.
  package static func by(
    _ group: (LengthRow) -> String, _ rows: [LengthRow]
  ) -> [DegenerationShare] {
    var shares: [String: DegenerationShare] = [:]
    for row in rows {
      let name = group(row)
      var share =
        shares[name]
        ?? DegenerationShare(group: name, rowCount: 0, degenerateCount: 0, runawayDrawCount: 0)
      share.rowCount += 1
      switch Sanitising.verdict(row) {
      case .sound: break
      case .mended(let mended):
        share.degenerateCount += 1
        share.runawayDrawCount += row.outputSizes.count - mended.outputSizes.count
      case .hopeless:
        share.degenerateCount += 1
        share.runawayDrawCount += row.outputSizes.count
      }
      shares[name] = share
    }
    return shares.values.sorted { ($1.degenerateCount, $0.group) < ($0.degenerateCount, $1.group) }
  }
}
