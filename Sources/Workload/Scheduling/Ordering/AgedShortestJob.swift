/// Predicted length less a token rate times the wait (SGLang's `len - aging_tokens_per_s * wait`):
/// shortest first, while nobody waits for ever.
package struct AgedShortestJob: OrderingPolicy {
  package var statistic: LengthStatistic
  /// Tokens of predicted length that a second of waiting makes up for.
  package var tokensPerSecond: Double

  package init(_ statistic: LengthStatistic = .quantile(0.5), tokensPerSecond: Double = 20) {
    self.statistic = statistic
    self.tokensPerSecond = tokensPerSecond
  }

  package var name: String { "sjf-ageing" }

  package func key(of request: RequestState, at now: Time) -> Double {
    let length = request.prediction == nil ? 1e6 : statistic.length(request)
    return length + tokensPerSecond * request.arrival.seconds
  }
}
