/// Proposes what followed the last time that the text went this way (Saxena's prompt look-up;
/// transformers' `prompt_lookup_num_tokens`): no model, no cost, and right where answers quote.
package final class PromptLookupDrafter: Drafter {
  /// The fewest and the most tokens of the end of the text that are looked for.
  package let lengths: ClosedRange<Int>
  private var lastMatch: (end: Int, source: Int, length: Int)?

  package init(lengths: ClosedRange<Int> = 2...8) { self.lengths = lengths }

  package func score(after prefix: Prefix, needs: EvidenceNeeds) throws -> DraftStep? {
    guard let match = match(prefix.tokens) else { return nil }
    return DraftStep(
      TokenDistribution(only: prefix.tokens[match.source]),
      evidence: DraftEvidence(matchLength: match.length))
  }

  package func rewind(to length: Int) { lastMatch = nil }

  /// Where the longest repeated end of `tokens` was followed by something, and its length.
  ///
  /// Each further candidate of a round goes on from the place of the one before.
  private func match(_ tokens: [TokenID]) -> (source: Int, length: Int)? {
    if let last = lastMatch, tokens.count == last.end + 1,
      tokens[last.end] == tokens[last.source], last.source + 1 < last.end
    {
      lastMatch = (tokens.count, last.source + 1, min(last.length + 1, lengths.upperBound))
    } else {
      lastMatch = Self.search(tokens, lengths).map { (tokens.count, $0.source, $0.length) }
    }
    return lastMatch.map { ($0.source, $0.length) }
  }

  /// The latest of the longest matches.
  private static func search(
    _ tokens: [TokenID], _ lengths: ClosedRange<Int>
  ) -> (source: Int, length: Int)? {
    guard let last = tokens.last else { return nil }
    var best: (source: Int, length: Int)?
    for end in stride(from: tokens.count - 2, through: 0, by: -1) where tokens[end] == last {
      var length = 1
      while length < lengths.upperBound, length <= end,
        tokens[end - length] == tokens[tokens.count - 1 - length]
      { length += 1 }
      if length >= lengths.lowerBound, length > best?.length ?? 0 {
        best = (end + 1, length)
        if length == lengths.upperBound { break }
      }
    }
    return best
  }
}

/// A look-up where the text has gone this way before for long, a model elsewhere. Which of the two
/// proposes is settled by the text so far, before anything is drawn.
package final class HybridDrafter: Drafter {
  private let lookup: PromptLookupDrafter
  private let model: any Drafter

  /// - Parameter lookup: after a dozen of the same tokens the same follows more often than a small
  ///   model is right; after a few it does not.
  package init(
    lookup: PromptLookupDrafter = PromptLookupDrafter(lengths: 12...24), model: any Drafter
  ) {
    self.lookup = lookup
    self.model = model
  }

  package func score(after prefix: Prefix, needs: EvidenceNeeds) throws -> DraftStep? {
    try lookup.score(after: prefix, needs: needs) ?? model.score(after: prefix, needs: needs)
  }

  package func rewind(to length: Int) {
    lookup.rewind(to: length)
    model.rewind(to: length)
  }
}
