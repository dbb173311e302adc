/// Proposes candidates, one at a time.
///
/// It scores; it does not choose: the round draws the candidate, and a candidate that was drawn is
/// submitted. A drafter that would rather not propose says so before it has scored.
package protocol Drafter: AnyObject {
  /// Scores the token after `prefix`, which grows by a candidate at a time within a round and is cut
  /// to what was kept between rounds. Nil when there is nothing to propose.
  func score(after prefix: Prefix, needs: EvidenceNeeds) throws -> DraftStep?
  /// The first `length` tokens of the last prefix stay; forget what was computed for others.
  func rewind(to length: Int)
}

/// What a drafter knows about the next candidate before it is drawn.
package struct DraftStep: Sendable {
  /// What the candidate is drawn from.
  package var distribution: TokenDistribution
  /// What a policy asked for.
  package var evidence: DraftEvidence

  package init(_ distribution: TokenDistribution, evidence: DraftEvidence = DraftEvidence()) {
    self.distribution = distribution
    self.evidence = evidence
  }
}

/// What can be known about a candidate before it is drawn; parts that nobody needs are nil.
package struct DraftEvidence: Sendable {
  /// The shape of the draft's distribution at temperature 1.
  package var summary: LogitsSummary?
  /// `(hidden)`: the draft's final state (after its last norm) from which the candidate is
  /// predicted, which is the state of the token before it.
  package var hidden: [Float]?
  /// The draft's likeliest tokens, along with the summary; nil where they are of another vocabulary.
  package var choices: LikeliestTokens?
  /// How many tokens before the candidate the text has had before, negative where another token than
  /// the draft's likeliest followed them there; 0 for none. What repeats goes on repeating, and a
  /// draft that leaves the track is mostly wrong.
  package var repetition: Int?
  /// How many tokens before it a look-up found again, where one proposes it.
  package var matchLength: Int?

  package init(
    summary: LogitsSummary? = nil, hidden: [Float]? = nil, choices: LikeliestTokens? = nil,
    repetition: Int? = nil, matchLength: Int? = nil
  ) {
    self.summary = summary
    self.hidden = hidden
    self.choices = choices
    self.repetition = repetition
    self.matchLength = matchLength
  }
}

/// Which evidence a policy reads; the rest is not computed.
package struct EvidenceNeeds: OptionSet, Sendable {
  package let rawValue: Int
  package init(rawValue: Int) { self.rawValue = rawValue }

  package static let summary = EvidenceNeeds(rawValue: 1)
  package static let hidden = EvidenceNeeds(rawValue: 2)
  package static let repetition = EvidenceNeeds(rawValue: 4)
}

/// A small model as the drafter.
package final class ModelDrafter: Drafter {
  private let model: any LanguageModel
  private let sequence: SequenceID
  private var output: ForwardOutput
  private var repeats = RepeatSearch(lengths: 2...24)

  package init(model: any LanguageModel) throws {
    self.model = model
    sequence = try model.openSequence()
    output = ForwardOutput(vocabularySize: model.vocabularySize, hiddenSize: model.hiddenSize)
  }

  deinit { model.closeSequence(sequence) }

  package func score(after prefix: Prefix, needs: EvidenceNeeds) throws -> DraftStep? {
    guard prefix.count <= model.contextLength else { return nil }
    // The first round feeds the prompt; later ones the last candidate, or what was emitted since.
    let fed = model.length(of: sequence)
    try model.forward([Slice(sequence, tokens: prefix.tokens[fed...], rows: 1)], into: &output)
    return output.withLogits(row: 0) { logits in
      var evidence = DraftEvidence()
      if !needs.isDisjoint(with: [.summary, .repetition]) {
        let (summary, choices) = LogitsRow(logits).description
        (evidence.summary, evidence.choices) = (summary, choices)
        if needs.contains(.repetition) {
          evidence.repetition = repetition(prefix.tokens, likeliest: choices.tokens[0])
        }
      }
      if needs.contains(.hidden) { evidence.hidden = output.hiddenRow(0) }
      return DraftStep(prefix.distribution(logits), evidence: evidence)
    }
  }

  /// See `DraftEvidence.repetition`.
  private func repetition(_ tokens: [TokenID], likeliest: TokenID) -> Int {
    guard let match = repeats.match(tokens) else { return 0 }
    return tokens[match.source] == likeliest ? match.length : -match.length
  }

  package func rewind(to length: Int) {
    repeats.forget()
    model.rewind(sequence, to: min(length, model.length(of: sequence)))
  }
}
