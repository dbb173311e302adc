package import Decoding
internal import Learning

/// Hidden states of several answers to one prompt, in a weight file: what predictors of the rest of
/// an answer are trained on.
package struct AnswerStateFile: Sendable, Equatable {
  /// By answer, each by the tokens generated. The state before the first token is the same for all
  /// answers, and only the first one's is kept.
  package var answers: [[AnswerState]]

  package init(answers: [[AnswerState]]) {
    self.answers = answers
  }

  private static let statesName = "states"
  // Which answer a state is of, and how many tokens it had.
  private static let placesName = "places"

  /// - Parameter answers: how many there must be.
  /// - Throws: what the file throws; `malformed` for arrays that are no states of so many answers.
  package init(contentsOf path: String, answers count: Int, width: Int?) throws(ModelError) {
    func fail(_ name: String, _ problem: String) -> ModelError {
      ModelError(
        .malformed, path: path, place: "tensor \(name)", problem: problem,
        advice: "expected a file of \"foretoken lengths collect --states\"")
    }
    let archive = try TensorArchive(contentsOf: path)
    guard let states = archive.tensors[Self.statesName], states.shape.count == 2,
      states.shape[1] == width ?? states.shape[1], states.values.allSatisfy(\.isFinite)
    else {
      throw fail(
        Self.statesName, "is not (states, \(width.map(String.init) ?? "width")) finite numbers")
    }
    guard let places = archive.tensors[Self.placesName], places.shape == [states.shape[0], 2] else {
      throw fail(Self.placesName, "is not (\(states.shape[0]), 2)")
    }
    answers = Array(repeating: [], count: count)
    for (index, row) in (0..<states.shape[0]).enumerated() {
      let (answer, generated) = (places.values[2 * row], places.values[2 * row + 1])
      guard let answer = Int(exactly: answer), let generated = Int(exactly: generated),
        answers.indices.contains(answer), generated > answers[answer].last?.generated ?? -1
      else { throw fail(Self.placesName, "row \(index) is of no answer, or out of order") }
      let hidden = states.values[row * states.shape[1]..<(row + 1) * states.shape[1]]
      answers[answer].append(AnswerState(generated: generated, hidden: Array(hidden)))
    }
    guard answers.first?.first?.generated == 0 else {
      throw fail(Self.placesName, "the state before the first token is missing")
    }
  }

  /// Writes beside and renames.
  package func write(to path: String) throws(ModelError) {
    var (states, places): ([Float], [Float]) = ([], [])
    for (answer, own) in answers.enumerated() {
      for state in own where answer == 0 || state.generated > 0 {
        states += state.hidden
        places += [Float(answer), Float(state.generated)]
      }
    }
    let count = places.count / 2
    try TensorArchive(tensors: [
      Self.statesName: NamedTensor(
        shape: [count, count > 0 ? states.count / count : 0], values: states),
      Self.placesName: NamedTensor(shape: [count, 2], values: places),
    ]).write(to: path)
  }
}
