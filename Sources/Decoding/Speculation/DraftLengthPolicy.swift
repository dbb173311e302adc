/// Decides how many candidates a round proposes, and for which of their places a second one.
///
/// Whether a candidate is submitted must never depend on its own draw, or the output is no longer
/// the target's. The types see to it: a policy is asked before the candidate is scored and again
/// before it is drawn, and a candidate that was drawn is submitted, whatever it is.
package protocol DraftLengthPolicy: Sendable {
  /// As reports name it.
  var name: String { get }
  var needs: EvidenceNeeds { get }

  /// Before the draft scores another candidate, which costs a draft step. False with no candidates
  /// makes the round a plain decoding step.
  mutating func scoresAnother(_ state: DraftState) -> Bool

  /// After the draft has scored it and before it is drawn: whether to submit one more.
  mutating func submits(_ next: DraftEvidence, after state: DraftState) -> Bool

  /// After the last candidate was drawn: at which of their places, from 0 and each once, a sibling is
  /// drawn and submitted, too, if the draft has one. It may depend on all candidates, none of which it changes.
  mutating func siblings(_ state: DraftState) -> [Int]

  /// After the round, what became of it.
  mutating func observe(_ round: RoundRecord)
}

extension DraftLengthPolicy {
  package var needs: EvidenceNeeds { [] }
  package mutating func submits(_ next: DraftEvidence, after state: DraftState) -> Bool { true }
  package mutating func siblings(_ state: DraftState) -> [Int] { [] }
  package mutating func observe(_ round: RoundRecord) {}
}

/// What a policy may know while a round drafts.
package struct DraftState: Sendable {
  /// Tokens before the round: its position in the text.
  package var position: Int
  /// The most candidates that could be of use: what is left of the answer and the context, less the
  /// token that every round emits.
  package var room: Int
  /// At which candidates are drawn; 0 when the likeliest is taken.
  package var temperature: Double
  /// Whether the text is the same whatever is drafted, as it is where the likeliest token is taken.
  package var isTextFixed: Bool
  /// Those drawn so far; all of them will be submitted.
  package var candidates: [DrawnCandidate]

  package init(
    position: Int, room: Int, temperature: Double = 0, isTextFixed: Bool? = nil,
    candidates: [DrawnCandidate] = []
  ) {
    self.isTextFixed = isTextFixed ?? (temperature == 0)
    self.position = position
    self.room = room
    self.temperature = temperature
    self.candidates = candidates
  }
}

/// A candidate that was drawn.
package struct DrawnCandidate: Sendable {
  package var token: TokenID
  /// With which it was drawn.
  package var probability: Double
  /// What was known before it was drawn.
  package var evidence: DraftEvidence

  package init(token: TokenID, probability: Double, evidence: DraftEvidence) {
    self.token = token
    self.probability = probability
    self.evidence = evidence
  }
}

extension DrawnCandidate {
  /// The draft's probability of this token: the one it was drawn with, or at temperature 0, where
  /// every draw is certain, the one at temperature 1.
  package var confidence: Double {
    probability < 1 ? probability : evidence.summary?.topProbability ?? probability
  }

  /// The draft's likeliest other token, where it is known.
  var runnerUp: TokenID? { evidence.choices?.other(than: token) }
}
