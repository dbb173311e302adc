/// Why an endpoint does not answer.
package struct EndpointError: Error, Equatable, CustomStringConvertible {
  package enum Code: Sendable {
    /// The URL or the key cannot be used.
    case invalidSetting
    /// It could not be reached or was too busy, as often as it was tried.
    case unavailable
    /// It wants another key.
    case forbidden
    /// It does not take such a request.
    case rejected
    /// It answers something that is no completion.
    case malformed
  }

  package var code: Code
  package var url: String
  package var problem: String
  package var advice: String?

  package init(_ code: Code, url: String, problem: String, advice: String? = nil) {
    self.code = code
    self.url = url
    self.problem = problem
    self.advice = advice
  }

  package var description: String {
    "\(url): \(problem)" + (advice.map { "; \($0)" } ?? "")
  }
}
