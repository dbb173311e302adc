/// What is wrong with the data, the shape or the settings of something that learns.
package struct LearningError: Error, Equatable, Sendable, CustomStringConvertible {
  package enum Code: Sendable {
    /// Two things that must have the same size do not.
    case shape
    /// A number is outside what it may be (not finite, a probability above one).
    case value
    /// A setting makes no sense.
    case setting
    /// Too little data to answer.
    case tooFewSamples
    /// A parameter is missing, or is not the network's.
    case parameters
    /// Training left the finite numbers.
    case diverged
  }

  package var code: Code
  /// Where: a tensor, a row and column, a setting, a step.
  package var place: String
  /// What was expected and what was found.
  package var problem: String
  /// What to do about it.
  package var advice: String?

  package init(_ code: Code, at place: String, _ problem: String, advice: String? = nil) {
    self.code = code
    self.place = place
    self.problem = problem
    self.advice = advice
  }

  package var description: String {
    let text = "\(place): \(problem)"
    return advice.map { "\(text) (\($0))" } ?? text
  }
}
