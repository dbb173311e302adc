/// Everything that can be wrong with a trace or a study, said so that a person can act on it.
package struct WorkloadError: Error, Equatable, Sendable, CustomStringConvertible {
  package enum Code: Sendable {
    /// Bytes that do not follow the format, or values out of range.
    case malformed
    /// A format that cannot be told or is not known.
    case unknownFormat
    /// Settings that cannot work together.
    case invalidSetting
    /// Measurements that do not determine what is asked of them.
    case underdetermined
    /// The file is not there.
    case missing
    /// The source of the bytes failed.
    case inputOutput
  }

  package var code: Code
  /// The file as the user named it, or what the settings belong to.
  package var source: String
  /// Line, counted from 1.
  package var line: Int?
  /// The column's or key's name, or its number.
  package var column: String?
  /// What was expected and what was found.
  package var problem: String
  /// What to do about it.
  package var advice: String?

  package init(
    _ code: Code, source: String, line: Int? = nil, column: String? = nil, problem: String,
    advice: String? = nil
  ) {
    self.code = code
    self.source = source
    self.line = line
    self.column = column
    self.problem = problem
    self.advice = advice
  }

  package var description: String {
    var text = source
    if let line { text += ":\(line)" }
    if let column { text += ": column \(column)" }
    text += ": \(problem)"
    if let advice { text += " (\(advice))" }
    return text
  }
}
