package import Learning

/// Calibrated estimates of whether a candidate will be kept, before it is drawn and after it was fed.
///
/// The estimates keep learning from the acceptance of every candidate that a round judges: those are
/// labels on the very text, at the very temperature, that is being decoded.
package struct AcceptanceEstimator: Sendable {
  /// Of the next candidate, before its draw.
  package var beforeDraw = OnlineLogistic(weights: [1.0, 0.6, 0.3, -0.5, 0, 1, 0.3, 0])
  /// Of the last candidate, once its own state is known: SpecDec++'s signal, with what was known
  /// before.
  package var afterFeeding = OnlineLogistic(weights: [0, 0.2, 0.8, 0, 0.1, 0, 0.3, 0])
  /// Of all candidates of a round so far, by the product of their chances and the weakest of them.
  ///
  /// The product alone promises too much: each chance is true of candidates before which all were
  /// kept, but a round that has gone wrong unnoticed goes on, and looks no worse.
  package var survival = OnlineLogistic(weights: [0, 0, 1, 0, 0, 0, 0, 0])
  /// By a candidate's position in its round; nil where none were fitted.
  package var temperatures: Temperatures?
  /// Of a candidate that a look-up found, by the length of its match.
  private var lookup = [0.5, 0.65, 0.75, 0.85, 0.95].map { RunningMean($0, rate: 0.05) }
  /// Of a second candidate where the first was rejected, by how much of what the first leaves the
  /// draft gives it, in eighths: where the likeliest is taken, and where candidates are drawn.
  private var siblings = [0.5, 0.0].map { slope in
    (0..<8).map { RunningMean(0.35 + slope * (Double($0) + 0.5) / 8, rate: 0.02) }
  }
  /// A running mean of all outcomes.
  private var recent = 0.7
  /// Of the i-th candidate given that those before it were kept.
  private var byDepth = [RunningMean](repeating: RunningMean(0.75, rate: 0.02), count: 33)
  /// Of a candidate, by the chance that the one before it had, in eighths.
  private var following: [RunningMean]

  package init() { following = Self.following(mean: 0.75) }

  /// - Parameter believingHeads: a head's log-odds are taken as they are, and learning goes on from
  ///   there; otherwise they are one piece of evidence among others.
  package init(believingHeads: Bool) {
    self.init()
    if believingHeads { believeHeads() }
  }

  /// Forgets what was learned of the evidence: a head's log-odds are taken as they are. They come of
  /// many texts, so a single one moves them slowly.
  mutating func believeHeads() {
    let believing = OnlineLogistic(
      weights: [0, 0, 0, 0, 0, 0, 1, 0], memory: SIMD8(repeating: 25))
    (beforeDraw, afterFeeding) = (believing, believing)
  }

  /// Divide the log-odds of each position so that the chance of all candidates up to it is true.
  package struct Temperatures: Sendable, Codable, Equatable {
    package var beforeDraw: SequentialTemperatureScaling
    package var afterFeeding: SequentialTemperatureScaling

    package init(
      beforeDraw: SequentialTemperatureScaling, afterFeeding: SequentialTemperatureScaling
    ) {
      self.beforeDraw = beforeDraw
      self.afterFeeding = afterFeeding
    }
  }

  /// What is known of the next candidate before its draw.
  ///
  /// - Parameter head: a trained head's logit, 0 without one.
  package func features(
    beforeDraw next: DraftEvidence, depth: Int, head: Double
  ) -> SIMD8<Double> {
    let summary = next.summary
    let top = summary?.topProbability ?? 0.7
    let margin = top - (summary?.secondProbability ?? 0)
    let features: SIMD8<Double> = [
      1, .logit(top) / 2, margin, summary?.entropy ?? 1, Double(min(depth, 8)) / 8, recent - 0.7,
      head, summary == nil ? 1 : 0,
    ]
    return features / (temperatures?.beforeDraw.temperature(position: depth) ?? 1)
  }

  /// What is known of a candidate after its own state was computed.
  ///
  /// - Parameter before: the chance that it had before its draw.
  package func features(
    afterFeeding candidate: DrawnCandidate, next: DraftEvidence, depth: Int, before: Double,
    head: Double
  ) -> SIMD8<Double> {
    let features: SIMD8<Double> = [
      1, .logit(candidate.confidence) / 2, .logit(before),
      candidate.evidence.summary?.entropy ?? 1, .logit(next.summary?.topProbability ?? 0.7) / 2,
      next.summary?.entropy ?? 1, head, recent - 0.7,
    ]
    return features / (temperatures?.afterFeeding.temperature(position: depth) ?? 1)
  }

  /// What is known of all candidates of a round together.
  ///
  /// - Parameters:
  ///   - product: of their chances.
  ///   - last: the last one's chance.
  ///   - least: the smallest chance.
  ///   - depth: of the last one, from 0.
  package func features(
    product: Double, last: Double, least: Double, depth: Int, temperature: Double
  ) -> SIMD8<Double> {
    let (place, odds) = (Double(min(depth, 16)) / 8, Double.logit(product))
    return [
      1, place, odds, odds * place, .logit(last), .logit(least), recent - 0.7,
      temperature > 0 ? 1 : 0,
    ]
  }

  /// Of a looked-up candidate.
  package func looksUp(matchLength: Int) -> Double {
    lookup[Self.fourth(matchLength)].value
  }

  /// The running mean acceptance of the i-th candidate of a round, `i` from 0.
  package func mean(depth: Int) -> Double { byDepth[min(depth, byDepth.count - 1)].value }

  /// Of a candidate that nothing is known of yet, when the one before it had this chance: what is
  /// easy comes in runs.
  package func mean(following chance: Double) -> Double { following[Self.eighth(chance)].value }

  /// Of a second candidate where the first was rejected.
  package func sibling(_ summary: LogitsSummary, temperature: Double) -> Double {
    siblings[temperature > 0 ? 1 : 0][Self.eighth(summary.shareOfRest)].value
  }

  /// Learns from one that was judged.
  package mutating func learn(
    sibling kept: Bool, _ summary: LogitsSummary, temperature: Double
  ) {
    siblings[temperature > 0 ? 1 : 0][Self.eighth(summary.shareOfRest)].add(kept ? 1 : 0)
  }

  /// Learns from a candidate that was judged.
  ///
  /// - Parameter previous: the chance that the candidate before it had; nil for the first of a round.
  package mutating func learn(
    acceptance: Double, depth: Int, beforeDraw: SIMD8<Double>?, afterFeeding: SIMD8<Double>?,
    previous: Double?, matchLength: Int?
  ) {
    byDepth[min(depth, byDepth.count - 1)].add(acceptance)
    if let previous { following[Self.eighth(previous)].add(acceptance) }
    if let matchLength {
      lookup[Self.fourth(matchLength)].add(acceptance)
      return
    }
    if let beforeDraw { self.beforeDraw.learn(beforeDraw, label: acceptance) }
    if let afterFeeding { self.afterFeeding.learn(afterFeeding, label: acceptance) }
    recent += 0.1 * (acceptance - recent)
  }

  /// Learns from a candidate that was scored and not submitted, which nobody judged, though all before
  /// it were kept: asking is worth no more than its chance. Without this the means would be those of
  /// submitted candidates, the better ones, and promise too much of the next.
  package mutating func learn(unsubmitted chance: Double, depth: Int, previous: Double?) {
    byDepth[min(depth, byDepth.count - 1)].add(chance)
    if let previous { following[Self.eighth(previous)].add(chance) }
  }

  /// Lets weights that were learned elsewhere move again: they are a starting point, and the text at
  /// hand may be of another kind.
  package mutating func settle() {
    for path in [\Self.beforeDraw, \Self.afterFeeding] {
      self[keyPath: path].memory = pointwiseMin(
        self[keyPath: path].memory, SIMD8(repeating: 25))
    }
  }

  /// Matches of up to 3, 7, 11 and 15 tokens, and of more.
  private static func fourth(_ matchLength: Int) -> Int { min(max(matchLength, 0) / 4, 4) }

  private static func eighth(_ chance: Double) -> Int {
    chance.isFinite ? Int(8 * min(max(chance, 0), 0.99)) : 0
  }

  /// Before anything is known, runs are as long as means say.
  private static func following(mean: Double) -> [RunningMean] {
    (0..<8).map { eighth in
      RunningMean((mean + (Double(eighth) + 0.5) / 8) / 2, rate: 0.02)
    }
  }
}

extension LogitsSummary {
  /// What the second token has of the probability that the first leaves.
  fileprivate var shareOfRest: Double {
    topProbability < 1 ? secondProbability / (1 - topProbability) : 0
  }
}

/// A mean that follows what it is of: of all values at first, of the later ones once there are many.
struct RunningMean: Sendable {
  private(set) var value: Double
  private let rate: Double
  /// The first value counts like this many.
  private var count = 8.0

  init(_ value: Double, rate: Double) {
    self.value = value
    self.rate = rate
  }

  mutating func add(_ next: Double) {
    count += 1
    value += max(rate, 1 / count) * (next - value)
  }
}

// MARK: - In files

extension AcceptanceEstimator: Codable {
  /// Raised when the meaning of a feature changes.
  private static let currentVersion = 2

  private enum Keys: String, CodingKey {
    case version, beforeDraw, afterFeeding, temperatures, recent, byDepth, following, survival
  }

  /// Of an older version only what still means the same is taken.
  package init(from decoder: any Decoder) throws {
    self.init()
    let container = try decoder.container(keyedBy: Keys.self)
    let version = try container.decodeIfPresent(Int.self, forKey: .version) ?? 1
    beforeDraw = try container.decode(OnlineLogistic.self, forKey: .beforeDraw)
    if version == Self.currentVersion {
      afterFeeding = try container.decode(OnlineLogistic.self, forKey: .afterFeeding)
      temperatures = try container.decodeIfPresent(Temperatures.self, forKey: .temperatures)
    }
    survival = try container.decodeIfPresent(OnlineLogistic.self, forKey: .survival) ?? survival
    recent = try container.decode(Double.self, forKey: .recent)
    for (key, logistic) in [
      (Keys.beforeDraw, beforeDraw), (.afterFeeding, afterFeeding), (.survival, survival),
    ] where !logistic.isUsable {
      throw DecodingError.dataCorruptedError(
        forKey: key, in: container, debugDescription: "expected weights that can be learned from")
    }
    func means(_ key: Keys, _ usual: [RunningMean], rate: Double) throws -> [RunningMean] {
      let values = try container.decode([Double].self, forKey: key)
      guard values.count == usual.count, values.allSatisfy({ 0...1 ~= $0 }) else {
        throw DecodingError.dataCorruptedError(
          forKey: key, in: container, debugDescription: "expected \(usual.count) chances")
      }
      return values.map { RunningMean($0, rate: rate) }
    }
    byDepth = try means(.byDepth, byDepth, rate: 0.02)
    following = Self.following(mean: byDepth[1].value)
    if container.contains(.following) { following = try means(.following, following, rate: 0.02) }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Keys.self)
    try container.encode(Self.currentVersion, forKey: .version)
    try container.encode(beforeDraw, forKey: .beforeDraw)
    try container.encode(afterFeeding, forKey: .afterFeeding)
    try container.encodeIfPresent(temperatures, forKey: .temperatures)
    try container.encode(survival, forKey: .survival)
    try container.encode(recent, forKey: .recent)
    try container.encode(byDepth.map(\.value), forKey: .byDepth)
    try container.encode(following.map(\.value), forKey: .following)
  }
}
