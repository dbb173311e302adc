/// By predicted remaining answer; a waiting request takes the place of a running one that has at
/// least `margin` tokens more to go (SRTF). The prediction of a running request is renewed by what
/// it has survived: E[L - g | L > g] or a quantile of that.
///
/// With `protectedShare` it is TRAIL's limited preemption (arXiv 2410.01035): once a request has
/// produced that share of its predicted length it keeps its place.
package struct ShortestRemaining: OrderingPolicy {
  package var statistic: LengthStatistic
  /// Tokens.
  package var margin: Double
  /// TRAIL's c; `nil` lets every running request be displaced.
  package var protectedShare: Double?
  /// Steps between looks at the running requests.
  package var reviewInterval: Int

  package init(
    _ statistic: LengthStatistic = .mean, margin: Double = 32, protectedShare: Double? = nil,
    reviewInterval: Int = 50
  ) {
    self.statistic = statistic
    self.margin = margin
    self.protectedShare = protectedShare
    self.reviewInterval = max(1, reviewInterval)
  }

  package var name: String { protectedShare == nil ? "srtf" : "trail" }
  package var isPreemptive: Bool { true }

  package func key(of request: RequestState, at now: Time) -> Double {
    statistic.remaining(request)
  }

  package func displaces(
    _ waiting: RequestState, _ running: RequestState, at now: Time
  ) -> Bool {
    if let protectedShare,
      Double(running.generated) >= protectedShare * statistic.length(running)
    {
      return false
    }
    return statistic.remaining(waiting) + margin < statistic.remaining(running)
  }
}
