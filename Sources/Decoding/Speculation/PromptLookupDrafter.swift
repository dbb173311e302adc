/// Proposes what followed the last time that the text went this way (Saxena's prompt look-up;
/// transformers' `prompt_lookup_num_tokens`): no model, no cost, and right where answers quote.
package final class PromptLookupDrafter: Drafter {
  private var repeats: RepeatSearch

  /// - Parameter lengths: the fewest and the most tokens of the end of the text that are looked for.
  package init(lengths: ClosedRange<Int> = 2...8) { repeats = RepeatSearch(lengths: lengths) }

  package func score(after prefix: Prefix, needs: EvidenceNeeds) throws -> DraftStep? {
    guard let match = repeats.match(prefix.tokens) else { return nil }
    return DraftStep(
      TokenDistribution(only: prefix.tokens[match.source]),
      evidence: DraftEvidence(matchLength: match.length))
  }

  package func rewind(to length: Int) { repeats.forget() }
}

/// A look-up where the text has gone this way before for long, a model elsewhere. Which of the two
/// proposes is settled by the text so far, before anything is drawn.
package final class HybridDrafter: Drafter {
  private let lookup: PromptLookupDrafter
  private let model: any Drafter

  /// - Parameter lookup: after eight of the same tokens the same follows about as often as a small model
  ///   is right, and costs no step; after a few it does not.
  package init(
    lookup: PromptLookupDrafter = PromptLookupDrafter(lengths: 8...24), model: any Drafter
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
