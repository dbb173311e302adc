/// Shortest first by E[X] + beta x CVaR(X) (TIE and its kin): of two requests with the same mean
/// the one that cannot run away goes first.
package struct TailAware: OrderingPolicy {
  package var beta: Double

  package init(beta: Double = 0.5) { self.beta = beta }

  package var name: String { "tail-aware" }

  package func key(of request: RequestState, at now: Time) -> Double {
    LengthStatistic.tail(weight: beta).length(request)
  }
}
