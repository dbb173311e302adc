/// Everything that can be wrong with a model's files, said so that a person can act on it.
package struct ModelError: Error, Equatable, Sendable, CustomStringConvertible {
  package enum Code: Sendable {
    /// The file or folder is not there.
    case missing
    /// The operating system would not let us read or write.
    case inputOutput
    /// The bytes are there and are wrong.
    case malformed
    /// The bytes are right and describe something that we do not run.
    case unsupported
    /// Two things that must fit do not (draft and target, prompt and context).
    case mismatch
    /// Memory could not be had.
    case outOfMemory
    /// The person asked for an end.
    case cancelled
  }

  package var code: Code
  /// The file, as the user named it.
  package var path: String
  /// Where in the file: a byte, a tensor, a JSON key.
  package var place: String?
  /// What was expected and what was found.
  package var problem: String
  /// What to do about it.
  package var advice: String?

  package init(
    _ code: Code, path: String, place: String? = nil, problem: String, advice: String? = nil
  ) {
    self.code = code
    self.path = path
    self.place = place
    self.problem = problem
    self.advice = advice
  }

  package var description: String {
    var text = path
    if let place { text += ": \(place)" }
    text += ": \(problem)"
    if let advice { text += " (\(advice))" }
    return text
  }
}
