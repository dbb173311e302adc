import Reporting

/// What stands in the way of more speed: how fast a policy would be if one term of its cost were gone
/// and all else stayed. The term whose going would gain most is the one that limits.
struct SpeedupCeilings: Codable, Sendable, Equatable {
  /// The fastest policy of the group.
  var policy: String
  /// Over plain decoding.
  var speedup: Double
  /// SpecDec++'s speedup on the set of this name (2405.19715, figure 1); nil for other sets.
  var target: Double?
  /// Over the reference, mostly the best fixed length; nil where it is that itself.
  var gain: Double?
  /// SpecDec++'s gain over the best fixed length; nil for other sets.
  var targetGain: Double?
  /// Terms, the one that limits first.
  var terms: [Term]

  struct Term: Codable, Sendable, Equatable {
    var name: Name
    /// The speedup without it.
    var ceiling: Double
  }

  enum Name: String, Codable, Sendable {
    /// All candidates kept.
    case acceptance
    /// A draft that takes no time.
    case draftCost = "draft cost"
    /// V(n) = V(1).
    case verificationCost = "verification cost"
    /// Both without reading the prompt.
    case prefill
  }

  /// Speedups, and gains over the best fixed length.
  private static let published: [String: (speedup: Double, gain: Double)] = [
    "alpaca": (2.04, 1.072), "humaneval": (2.23, 1.111), "gsm8k": (2.26, 1.094),
  ]

  /// - Parameter rows: of one group. Nil where nothing was drafted.
  init?(set: String, _ rows: [ReportSummary.Row]) {
    guard let plain = rows.first(where: \.isPlain)?.time,
      let best = rows.filter({ !$0.isPlain }).max(by: { $0.speedup.value < $1.speedup.value }),
      let tokens = best.tokensPerRound, let acceptance = best.acceptanceRate, acceptance > 0
    else { return nil }
    let time = best.time
    policy = best.policy
    speedup = best.speedup.value
    let published = Self.published.first { set.lowercased().contains($0.key) }?.value
    (target, targetGain) = (published?.speedup, published?.gain)
    gain = best.gain?.value
    let scale = best.speedup.value * time.total / plain.total
    func ceiling(_ name: Name, _ plain: Double, _ time: Double) -> Term {
      Term(name: name, ceiling: scale * plain / max(time, 1e-12))
    }
    // Rounds that keep all of as many candidates emit more tokens for the same seconds.
    let proposed = (tokens - 1) / acceptance
    let rounds = time.draft + time.policy + time.verify + time.accept
    // Per token a plain round takes one V(1); here one serves `tokens` of them.
    let flat = min(time.verify, plain.verify / tokens)
    terms = [
      ceiling(.acceptance, plain.total, time.total - rounds * (1 - tokens / (1 + proposed))),
      ceiling(.draftCost, plain.total, time.total - time.draft - time.policy),
      ceiling(.verificationCost, plain.total, time.total - time.verify + flat),
      ceiling(.prefill, plain.total - plain.prompt, time.total - time.prompt),
    ].sorted { $0.ceiling > $1.ceiling }
  }

  /// Whether the published speedup or gain was not reached; for other sets, always.
  var isShort: Bool {
    guard let target, let targetGain else { return true }
    return speedup < target || gain.map { $0 < targetGain } ?? false
  }

  /// In a sentence.
  func sentence(oracle: Estimate?) -> String {
    let format = NumberFormat.times(2)
    var text = "\(policy) \(format.text(speedup))"
    if let target { text += ", published for SpecDec++ \(format.text(target))" }
    if let gain, let targetGain {
      text += "; \(format.text(gain)) of the reference, published \(format.text(targetGain))"
    }
    guard isShort, let first = terms.first else { return text + "." }
    text +=
      "; what limits is \(first.name.rawValue) (without it \(format.text(first.ceiling))), then "
    text += terms.dropFirst().map { "\($0.name.rawValue) (\(format.text($0.ceiling)))" }
      .joined(separator: ", ")
    if let oracle { text += "; the oracle has \(format.text(oracle.value))" }
    return text + "."
  }
}
