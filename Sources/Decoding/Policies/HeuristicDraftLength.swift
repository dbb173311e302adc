/// Hugging Face's schedule: two more after a round whose candidates were all kept, else one fewer,
/// carried over from round to round (transformers' `num_assistant_tokens_schedule = "heuristic"`).
package struct HeuristicDraftLength: DraftLengthPolicy {
  package private(set) var length: Int

  package init(start: Int = 5) { length = max(1, start) }

  package var name: String { "hf-heuristic" }

  package mutating func scoresAnother(_ state: DraftState) -> Bool {
    state.candidates.count < length
  }

  package mutating func observe(_ round: RoundRecord) {
    guard !round.candidates.isEmpty else { return }
    length = round.accepted == round.candidates.count ? length + 2 : max(1, length - 1)
  }
}
