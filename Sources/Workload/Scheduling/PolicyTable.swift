/// The policies that can be named, with their usual parameters. A new policy is a file of its own
/// and a line here; the property tests run over these lists.
///
/// Oracles are not among them but come of what a policy is told: with `OraclePredictor`
/// `ShortestJobFirst` and `ShortestRemaining` know true lengths, with `BestOfTen` they know prompts
/// and not draws, and `CachePacking` with true lengths is clairvoyant; `RandomOrder` is the other end.
package enum PolicyTable {
  package static let orderings: [any OrderingPolicy] = [
    FirstComeFirstServed(),
    ShortestJobFirst(),
    ShortestJobFirst(inputWeight: promptWeight),
    AgedShortestJob(),
    ShortestRemaining(),
    ShortestRemaining(protectedShare: 0.8),
    SkipJoinQueues(),
    PriorityOrder(),
    PriorityOrder(ageing: 0.1),
    EarliestDeadline(targets: [.init(firstToken: Time(seconds: 1), perToken: .zero)]),
    EarliestDeadline(
      targets: [.init(firstToken: Time(seconds: 1), perToken: Time(milliseconds: 100))],
      serviceTime: Time(milliseconds: 30)),
    FairShare(),
    LongestFirst(),
    TailAware(),
    RandomOrder(),
  ]

  /// What a token of a prompt takes, in tokens of answers: about half of one, on the machines of
  /// `StepTimeModel.names` with 128 requests at once (prefillToken / (decode + overhead / 128)).
  private static let promptWeight = 0.5

  package static let admissions: [any AdmissionPolicy] = [
    OnDemand(),
    OnDemand(watermark: 0.01),
    WorstCase(),
    QuantileReservation(),
    PastFuture(),
    ChanceConstrained(),
    CachePacking(),
  ]

  /// - Throws: `.invalidSetting` listing the names that are known.
  package static func ordering(_ name: String) throws(WorkloadError) -> any OrderingPolicy {
    if let policy = orderings.first(where: { $0.name == name }) { return policy }
    if name.hasPrefix("sjf-work:"), let weight = Double(name.dropFirst(9)), weight > 0,
      weight.isFinite
    {
      return ShortestJobFirst(inputWeight: weight)
    }
    throw unknown("--policy", name, orderings.map(\.name))
  }

  /// - Throws: `.invalidSetting` listing the names that are known.
  package static func admission(_ name: String) throws(WorkloadError) -> any AdmissionPolicy {
    if let policy = admissions.first(where: { $0.name == name }) { return policy }
    throw unknown("--admission", name, admissions.map(\.name))
  }

  /// An order and, after a plus, who is admitted under it, as in `sjf-work+packing`.
  ///
  /// - Parameter usual: who is admitted where the name does not say.
  /// - Throws: `.invalidSetting` listing the names that are known.
  package static func policy(
    _ name: String, admission usual: any AdmissionPolicy
  ) throws(WorkloadError) -> (ordering: any OrderingPolicy, admission: any AdmissionPolicy) {
    let parts = name.split(separator: "+", maxSplits: 1, omittingEmptySubsequences: false)
    return (
      try ordering(String(parts[0])),
      parts.count > 1 ? try admission(String(parts[1])) : usual
    )
  }

  private static func unknown(
    _ flag: String, _ name: String, _ known: [String]
  ) -> WorkloadError {
    WorkloadError(
      .invalidSetting, source: flag, problem: "'\(name)' is not known",
      advice: "known are \(known.joined(separator: ", "))")
  }
}
