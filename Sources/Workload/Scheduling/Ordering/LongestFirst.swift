/// Longest predicted answer first: for offline batches, where the last request to end is what
/// counts (LPT, Graham 1969).
package struct LongestFirst: OrderingPolicy {
  package var statistic: LengthStatistic

  package init(_ statistic: LengthStatistic = .mean) { self.statistic = statistic }

  package var name: String { "lpt" }

  package func key(of request: RequestState, at now: Time) -> Double {
    -statistic.length(request)
  }
}
