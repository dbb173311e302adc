import Decoding
package import Workload

/// Renews what is believed of an answer's length from the target's hidden states: when its prompt
/// has been read, and again while tokens come.
package struct StateForecasts: Sendable {
  private let model: StateLengthModel

  /// What is kept of a request.
  struct Memory: Sendable {
    var opening: StateLengthModel.Opening
    /// States that were looked at.
    var seen: Int
  }

  package init(_ model: StateLengthModel) { self.model = model }

  /// Tokens between two states: what the shipped predictors are trained on.
  package static let interval = 32

  /// The length by a state that has come since the last call; nil without one.
  func news(_ generation: Generation, _ memory: inout Memory?) -> LengthPrediction? {
    let states = generation.states
    guard let state = states.last, let first = states.first, states.count > memory?.seen ?? 0
    else { return nil }
    let opening =
      memory?.opening
      ?? model.read(opening: first.hidden, inputSize: generation.prefix.promptCount)
    memory = Memory(opening: opening, seen: states.count)
    let rest = model.remaining(
      opening, state: state.generated == 0 ? nil : state.hidden, generated: state.generated)
    return rest.prediction.later(by: state.generated)
  }
}
