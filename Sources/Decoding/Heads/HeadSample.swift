/// One candidate that was judged, with all that was known of it: what heads are trained on.
package struct HeadSample: Sendable, Equatable {
  /// `(hidden)`: the draft's state that the candidate was predicted from.
  package var before: [Float]
  /// `(hidden)`: the candidate's own state; nil for the last candidate of a round, which is not fed.
  package var after: [Float]?
  /// min(1, p / q): the label.
  package var acceptance: Double
  /// Of the candidate in its round, from 0.
  package var depth: Int
  /// At which it was drawn.
  package var temperature: Double
  package var confidence: Double
  package var summary: LogitsSummary
  /// Of the draft's distribution after the candidate; nil like `after`.
  package var nextSummary: LogitsSummary?

  package init(
    before: [Float], after: [Float]?, acceptance: Double, depth: Int, temperature: Double,
    confidence: Double, summary: LogitsSummary, nextSummary: LogitsSummary?
  ) {
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

/// Decodes as another policy would, but drafts a fixed number of candidates and keeps what was known
/// of each that was judged: on-policy samples, and free. What stood behind a rejected candidate is
/// no sample: no policy has to know about places that are not reached.
package struct SampleCollector: DraftLengthPolicy {
  package let length: Int
  package private(set) var samples: [HeadSample] = []
  private var drawn: [DrawnCandidate] = []
  private var temperature = 0.0

  package init(length: Int) { self.length = length }

  package var name: String { "collect" }
  package var needs: EvidenceNeeds { [.summary, .hidden] }

  package mutating func scoresAnother(_ state: DraftState) -> Bool {
    drawn = state.candidates
    temperature = state.temperature
    return state.candidates.count < length
  }

  package mutating func observe(_ round: RoundRecord) {
    // A draft that ended with the text was not asked again after its last candidate.
    let known = min(drawn.count, round.candidates.count)
    for depth in 0..<min(known, round.accepted + 1) {
      guard let acceptance = round.candidates[depth].acceptance,
        let before = drawn[depth].evidence.hidden, let summary = drawn[depth].evidence.summary
      else { continue }
      let next = depth + 1 < known ? drawn[depth + 1].evidence : DraftEvidence()
      samples.append(
        HeadSample(
          before: before, after: next.hidden, acceptance: acceptance, depth: depth,
          temperature: temperature, confidence: drawn[depth].confidence, summary: summary,
          nextSummary: next.summary))
    }
    drawn = []
  }
}
