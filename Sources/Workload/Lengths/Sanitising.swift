/// CASTILLO's rule for answers that run away (text that repeats itself until the limit stops it),
/// by the authors' program.
package enum Sanitising {
  /// A length from here on is the limit's, not the model's.
  package static let cap = 14_999
  /// Where a row is scattered beyond reason, what is longer than this is left out.
  package static let suspectLimit = 8_499
  /// What the authors write in place of a longest answer that was left out.
  package static let degenerateText = "TEXT DEGENERATION"

  package enum Verdict: Equatable, Sendable {
    /// Kept as it is.
    case sound
    /// Some draws ran away; the row without them.
    case mended(LengthRow)
    /// Nothing is left.
    case hopeless
  }

  /// - Note: A row with both signs is cut at `suspectLimit`, unless all its draws are capped. The
  ///   comparison is made on the row's own (rounded) mean and deviation, as the authors make it.
  package static func verdict(_ row: LengthRow) -> Verdict {
    guard let longest = row.outputSizes.max() else { return .hopeless }
    let isCapped = longest >= cap
    let isScattered =
      row.statistics.standardDeviation > 2 * row.statistics.mean && longest > suspectLimit
    guard isCapped || isScattered else { return .sound }
    let kept = row.outputSizes.filter { isScattered ? $0 <= suspectLimit : $0 < cap }
    guard !kept.isEmpty else { return .hopeless }
    var mended = row
    mended.outputSizes = kept
    mended.statistics = LengthStatistics(of: kept)
    if row.longestResponse != nil { mended.longestResponse = degenerateText }
    return .mended(mended)
  }
}

/// Rows after sanitising, in the order in which they came.
package struct SanitisedRows: Sendable {
  /// What the authors publish as `sanitized`.
  package private(set) var sanitised: [LengthRow] = []
  /// What the authors publish as `degenerate`: the rows with a runaway draw, whole.
  package private(set) var degenerate: [LengthRow] = []
  /// Of those the ones of which nothing is left.
  package private(set) var droppedCount = 0

  package init(_ rows: some Sequence<LengthRow>) {
    for row in rows {
      switch Sanitising.verdict(row) {
      case .sound: sanitised.append(row)
      case .mended(let mended):
        degenerate.append(row)
        sanitised.append(mended)
      case .hopeless:
        degenerate.append(row)
        droppedCount += 1
      }
    }
  }
}
