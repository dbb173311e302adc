/// One candidate of a round, with all that was known of it: what heads are trained on.
package struct HeadSample: Sendable, Equatable {
  /// `(hidden)`: the draft's state that the candidate was predicted from.
  package var before: [Float]
  /// `(hidden)`: the candidate's own state; nil for the last candidate of a round, which is not fed.
  package var after: [Float]?
  /// min(1, p / q): the label; 0 behind a rejected candidate.
  package var acceptance: Double
  package var outcome: Outcome
  /// Of the candidate in its round, from 0.
  package var depth: Int
  /// At which it was drawn.
  package var temperature: Double
  package var confidence: Double
  package var summary: LogitsSummary
  /// Of the draft's distribution after the candidate; nil like `after`.
  package var nextSummary: LogitsSummary?
  /// See `DraftEvidence`; `next` of the place after the candidate.
  package var (repetition, nextRepetition) = (0, 0)

  package init(
    before: [Float], after: [Float]?, acceptance: Double, outcome: Outcome, depth: Int,
    temperature: Double, confidence: Double, summary: LogitsSummary, nextSummary: LogitsSummary?
  ) {
    self.outcome = outcome
    self.before = before
    self.after = after
    self.acceptance = acceptance
    self.depth = depth
    self.temperature = temperature
    self.confidence = confidence
    self.summary = summary
    self.nextSummary = nextSummary
  }
}

extension HeadSample {
  /// What became of a candidate.
  package enum Outcome: Int, Sendable {
    /// One before it was rejected, so that nobody judged it. A policy does not know that when it
    /// goes on.
    case unreached = -1
    case rejected, kept
  }
}

/// Decodes as another policy would, but drafts a fixed number of candidates and keeps what was known
/// of each: on-policy samples, and free.
package struct SampleCollector: DraftLengthPolicy {
  package let length: Int
  package private(set) var samples: [HeadSample] = []
  private var drawn: [DrawnCandidate] = []
  private var temperature = 0.0

  package init(length: Int) { self.length = length }

  package var name: String { "collect" }
  package var needs: EvidenceNeeds { [.summary, .hidden, .repetition] }

  package mutating func scoresAnother(_ state: DraftState) -> Bool {
    drawn = state.candidates
    temperature = state.temperature
    return state.candidates.count < length
  }

  package mutating func observe(_ round: RoundRecord) {
    // A draft that ended with the text was not asked again after its last candidate.
    let known = min(drawn.count, round.candidates.count)
    for depth in 0..<known {
      guard let before = drawn[depth].evidence.hidden, let summary = drawn[depth].evidence.summary
      else { continue }
      let isReached = depth <= round.accepted
      guard let acceptance = isReached ? round.candidates[depth].acceptance : 0 else { continue }
      let next = depth + 1 < known ? drawn[depth + 1].evidence : DraftEvidence()
      var sample = HeadSample(
        before: before, after: next.hidden, acceptance: acceptance,
        outcome: depth < round.accepted ? .kept : isReached ? .rejected : .unreached,
        depth: depth,
        temperature: temperature, confidence: drawn[depth].confidence, summary: summary,
        nextSummary: next.summary)
      sample.repetition = drawn[depth].evidence.repetition ?? 0
      sample.nextRepetition = next.repetition ?? 0
      samples.append(sample)
    }
    drawn = []
  }
}
