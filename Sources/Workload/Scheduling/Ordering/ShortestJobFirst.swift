/// By predicted work, weight x prompt + weight x answer; running requests are left alone. Requests
/// without a prediction go last, or by their prompts alone where prompts count. With exact predictions
/// it is the SJF oracle. Named with a weight, as in `sjf-work:0.5`, a token of the prompt counts as so
/// many of the answer.
package struct ShortestJobFirst: OrderingPolicy {
  package var statistic: LengthStatistic
  package var inputWeight: Double
  package var outputWeight: Double

  package init(
    _ statistic: LengthStatistic = .quantile(0.5), inputWeight: Double = 0,
    outputWeight: Double = 1
  ) {
    self.statistic = statistic
    self.inputWeight = inputWeight
    self.outputWeight = outputWeight
  }

  package var name: String { inputWeight == 0 ? "sjf" : "sjf-work" }

  package func key(of request: RequestState, at now: Time) -> Double {
    let known = inputWeight * Double(request.inputLength)
    if request.prediction == nil, inputWeight > 0 { return known }
    return known + outputWeight * statistic.length(request)
  }
}
