/// Says how long an answer may become, once, when its request comes.
///
/// A predictor may look at the true length only if its name says so: oracles, and models of what a
/// predictor of some quality would say.
package protocol LengthPredictor: Sendable {
  /// What reports call it.
  var name: String { get }
  mutating func prediction(for request: Request) -> LengthPrediction?
  /// The request has been answered: what predictors that learn on the way go by.
  mutating func finished(_ request: Request)
}

extension LengthPredictor {
  package mutating func finished(_ request: Request) {}
}

/// Knows nothing.
package struct NoPredictor: LengthPredictor {
  package init() {}
  package var name: String { "none" }
  package func prediction(for request: Request) -> LengthPrediction? { nil }
}

/// Knows the length: the end of the scale.
package struct OraclePredictor: LengthPredictor {
  package init() {}
  package var name: String { "oracle" }
  package func prediction(for request: Request) -> LengthPrediction? {
    LengthPrediction(exactly: request.outputLength)
  }
}
