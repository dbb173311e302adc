import Decoding
import Support
import Testing

/// Each policy's own rule, on states made by hand.
@Suite struct PolicyTests {
  /// A state after candidates with these probabilities and entropies.
  static func state(_ candidates: [(probability: Double, entropy: Double)]) -> DraftState {
    var state = DraftState(position: 100, room: 50)
    state.candidates = candidates.map { candidate in
      DrawnCandidate(
        token: 1, probability: candidate.probability,
        evidence: evidence(candidate.probability, candidate.entropy))
    }
    return state
  }

  static func evidence(_ top: Double, _ entropy: Double = 1) -> DraftEvidence {
    DraftEvidence(
      summary: LogitsSummary(
        topProbability: top, secondProbability: (1 - top) / 2, entropy: entropy),
      choices: LikeliestTokens(tokens: [1, 2, 3, 4], probabilities: [0.4, 0.3, 0.2, 0.1]))
  }

  static func state(_ probabilities: [Double]) -> DraftState {
    state(probabilities.map { ($0, 0.5) })
  }

  /// A round that kept the first `accepted` of its candidates.
  static func round(
    _ confidences: [Double], accepted: Int, emitted: Int? = nil, seconds: Double = 1,
    siblings: [Int] = [], keepsSibling: Bool = false
  ) -> RoundRecord {
    RoundRecord(
      request: 0, position: 100, forwarded: confidences.count + 1 + siblings.count,
      candidates: confidences.enumerated().map { index, confidence in
        CandidateRecord(
          token: 1, probability: confidence,
          acceptance: index <= accepted ? (index < accepted ? 1 : 0) : nil,
          topProbability: confidence)
      },
      accepted: accepted, emitted: emitted ?? accepted + (keepsSibling ? 2 : 1),
      seconds: RoundSeconds(verify: seconds), siblings: siblings.isEmpty ? nil : siblings,
      keepsSibling: siblings.contains(accepted) ? keepsSibling : nil)
  }

  /// How many candidates of these confidences the policy draws.
  static func length(_ policy: inout some DraftLengthPolicy, _ confidences: [Double]) -> Int {
    var count = 0
    while count < confidences.count {
      let state = state(Array(confidences[..<count]))
      guard policy.scoresAnother(state),
        policy.submits(evidence(confidences[count], 0.5), after: state)
      else { break }
      count += 1
    }
    return count
  }

  static let rising = CostModel(draftStep: 0.1, verify: [1, 1.1, 1.2, 1.3, 1.4, 1.5])

  /// Every width in turn, `rounds` times, each taking what is given for it.
  private static func observe(
    _ drift: CostDrift, rounds: Int = 100, _ seconds: (Int) -> Double
  ) {
    for _ in 0..<rounds {
      for tokens in 1...6 {
        drift.observe(tokens, context: 0, seconds: seconds(tokens), rising)
      }
    }
  }

  private static func now(_ drift: CostDrift) -> [Double] {
    (1...6).map { drift.verify($0, context: 0, rising) }
  }

  @Test(
    "Costs are found again that differ by an offset and by so much a token",
    arguments: [(0.0, 0.0), (0.4, 0), (-0.3, 0), (0.2, 0.1), (0.6, -0.05), (-0.2, 0.05)])
  func drift(offset: Double, slope: Double) {
    let drift = CostDrift()
    #expect(Self.now(drift) == Self.rising.verify[0])
    let seconds = Self.rising.verify[0].enumerated().map { $1 + offset + slope * Double($0) }
    Self.observe(drift) { seconds[$0 - 1] }
    let furthest = zip(Self.now(drift), seconds).map { abs($0 - $1) }.max() ?? 1
    // Less where the slope is far from what was measured, which is believed as long as it can be.
    #expect(furthest < 0.03 + abs(slope), "\(Self.now(drift))")
    // And are as measured once they are so again.
    Self.observe(drift) { Self.rising.verify[0][$0 - 1] }
    #expect(zip(Self.now(drift), Self.rising.verify[0]).allSatisfy { abs($0 - $1) < 0.01 })
  }

  @Test func `One round says little of costs, however long it was`() {
    let drift = CostDrift()
    Self.observe(drift) { Self.rising.verify[0][$0 - 1] }
    drift.observe(3, context: 0, seconds: 1e9, Self.rising)
    #expect(zip(Self.now(drift), Self.rising.verify[0]).allSatisfy { 0...0.1 ~= $0 - $1 })
    drift.observe(3, context: 0, seconds: 0, Self.rising)
    #expect(zip(Self.now(drift), Self.rising.verify[0]).allSatisfy { abs($0 - $1) < 0.05 })
  }

  @Test func `More tokens never cost less, and no forward nothing`() {
    let drift = CostDrift()
    Self.observe(drift) { $0 < 4 ? 2 : 0.8 }
    #expect(zip(Self.now(drift), Self.now(drift).dropFirst()).allSatisfy { $0 <= $1 + 1e-9 })
    Self.observe(drift) { _ in 0 }
    #expect(zip(Self.now(drift), Self.rising.verify[0]).allSatisfy { $0 >= $1 / 4 })
  }

  @Test func `Memory four times as fast is followed too`() {
    let costs = CostModel(draftStep: 0.1, verify: Array(repeating: 4, count: 16))
    let drift = CostDrift()
    func now(_ tokens: Int) -> Double { 1 + 0.3 * Double(max(0, tokens - 6)) }
    for round in 0..<60 {
      let tokens = 8 + round % 9
      drift.observe(tokens, context: 0, seconds: now(tokens), costs)
    }
    for _ in 0..<100 { drift.observe(1, context: 0, seconds: 1, costs) }
    #expect(abs(drift.verify(1, context: 0, costs) - 1) < 0.1)
  }

  @Test func `A prompt that the draft reads is no slow step`() {
    let costs = CostModel(draftStep: 0.1, verify: [1, 1, 1, 1, 1])
    let drift = CostDrift()
    var policy = CostAwareDraftLength(costs: costs, drift: drift)
    for _ in 0..<20 {
      policy.observe(
        RoundRecord(
          request: 0, position: 90, forwarded: 90, candidates: [], accepted: 0, emitted: 1,
          seconds: RoundSeconds(), isPrefill: true))
      let count = Self.length(&policy, [0.9, 0.9])
      var round = Self.round(Array(repeating: 0.9, count: count), accepted: count)
      round.seconds.draft = 50
      policy.observe(round)
    }
    #expect(drift.draft == 1)
  }

  @Test func `Draft steps take a share more or less`() {
    let drift = CostDrift()
    #expect(drift.draft == 1)
    drift.observe(draft: 5, expected: 0)
    #expect(drift.draft == 1)
    drift.observe(draft: 1e9, expected: 0.1)
    #expect(drift.draft > 1 && drift.draft < 1.1)
    for _ in 0..<200 { drift.observe(draft: 0.13, expected: 0.1) }
    #expect(abs(drift.draft - 1.3) < 1e-3)
    for _ in 0..<200 { drift.observe(draft: 0, expected: 0.1) }
    #expect(abs(drift.draft - 0.5) < 1e-3)
  }

  @Test func `What rounds take changes decisions only where they leave the text alone`() {
    let costs = CostModel(draftStep: 0.05, verify: [1, 1.5, 2, 2.5, 3, 3.5])
    let slow = CostDrift()
    for _ in 0..<200 {
      for tokens in 1...6 { slow.observe(tokens, context: 0, seconds: 2.5, costs) }
    }
    func drafts(_ drift: CostDrift?, temperature: Double, isTextFixed: Bool? = nil) -> Int {
      var policy = CostAwareDraftLength(costs: costs, drift: drift)
      var state = DraftState(
        position: 10, room: 50, temperature: temperature, isTextFixed: isTextFixed)
      let evidence = DraftEvidence(
        summary: LogitsSummary(topProbability: 0.5, secondProbability: 0.2, entropy: 1.5))
      while policy.scoresAnother(state), policy.submits(evidence, after: state) {
        state.candidates.append(DrawnCandidate(token: 1, probability: 0.5, evidence: evidence))
      }
      return state.candidates.count
    }
    #expect(drafts(slow, temperature: 1) == drafts(nil, temperature: 1))
    #expect(drafts(slow, temperature: 0) > drafts(nil, temperature: 0))
    #expect(
      drafts(slow, temperature: 1, isTextFixed: true)
        > drafts(nil, temperature: 1, isTextFixed: true))
  }

  @Test func `Hugging Face's heuristic adds two after a clean round and takes one after another`() {
    var policy = HeuristicDraftLength(start: 5)
    policy.observe(Self.round([1, 1, 1, 1, 1], accepted: 5))
    #expect(policy.length == 7)
    for _ in 0..<10 { policy.observe(Self.round([1, 1], accepted: 1)) }
    #expect(policy.length == 1)
    policy.observe(Self.round([], accepted: 0))
    #expect(policy.length == 1)
  }

  @Test func `A confidence below the threshold ends the draft after that candidate`() {
    var policy = ConfidenceThreshold()
    #expect(Self.length(&policy, [0.9, 0.5, 0.39, 0.9]) == 3)
    #expect(Self.length(&policy, Array(repeating: 0.9, count: 40)) == 20)
  }

  @Test func `The adapted threshold separates what is kept from what is not`() {
    var policy = ConfidenceThreshold(adapts: true)
    for _ in 0..<20 { policy.observe(Self.round([0.95, 0.9, 0.6, 0.3], accepted: 2)) }
    #expect(policy.threshold > 0.6 && policy.threshold <= 0.9)
  }

  @Test func `The product of confidences follows SpecDec++'s strict inequality and bounds`() {
    var policy = CumulativeConfidence(threshold: 0.5, bounds: 2...6)
    #expect(Self.length(&policy, [0.1, 0.1, 0.9]) == 2)  // never fewer than two
    #expect(Self.length(&policy, [0.5, 1, 1, 0.99, 1]) == 4)  // 1 - S equal to h goes on
    #expect(Self.length(&policy, Array(repeating: 1, count: 30)) == 6)
  }

  @Test func `SVIP stops at an entropy of 0.6 nats`() {
    var policy = EntropyThreshold(.selfVerified)
    let (sure, unsure) = (Self.state([(0.5, 0.59)]), Self.state([(0.5, 0.61)]))
    #expect([policy.scoresAnother(sure), policy.scoresAnother(unsure)] == [true, false])
  }

  @Test func `Goodput drafts nothing where verification costs as much as decoding`() {
    let dear = CostModel(draftStep: 0.3, verify: (1...20).map(Double.init))
    var policy = GoodputDraftLength(costs: dear)
    #expect(Self.length(&policy, [1, 1, 1]) == 0)
    let cheap = CostModel(draftStep: 0.01, verify: (1...21).map { 1 + 0.01 * Double($0) })
    var other = GoodputDraftLength(costs: cheap)
    #expect(Self.length(&other, Array(repeating: 1, count: 30)) > 3)
    for _ in 0..<300 { other.observe(Self.round([0.5, 0.5], accepted: 0)) }
    #expect(Self.length(&other, Array(repeating: 1, count: 30)) <= 1)
  }

  @Test func `The bandit comes to play the arm that is fastest`() {
    var policy = BanditDraftLength([1, 2, 3].map { FixedDraftLength($0) })
    var plays = [0, 0, 0, 0]
    for _ in 0..<400 {
      let length = Self.length(&policy, Array(repeating: 0.9, count: 9))
      plays[length] += 1
      let seconds = length == 2 ? 1.0 : 1.6
      policy.observe(
        Self.round(
          Array(repeating: 0.9, count: length), accepted: length, emitted: 2, seconds: seconds))
    }
    #expect(plays[2] > 200)
  }

  @Test func `Cost-aware drafts longer where the draft is sure and forwards are flat`() {
    let flat = CostModel(draftStep: 0.03, verify: [1, 1.05, 1.1, 1.15, 1.2, 1.6, 2, 2.4, 2.8])
    var policy = CostAwareDraftLength(costs: flat)
    let sure = Self.length(&policy, Array(repeating: 0.99, count: 30))
    let unsure = Self.length(&policy, Array(repeating: 0.3, count: 30))
    #expect(sure > unsure)
    #expect(sure >= 4)
  }

  /// How many of these candidates are drawn, and the places of their siblings.
  private static func siblings(
    _ costs: CostModel, _ confidences: [Double], hasSiblings: Bool = true
  ) -> (count: Int, places: [Int]) {
    var policy = CostAwareDraftLength(costs: costs, hasSiblings: hasSiblings)
    let count = length(&policy, confidences)
    return (count, policy.siblings(state(Array(confidences[..<count]))))
  }

  @Test func `Siblings are put where the chain is likely to break, if they pay`() {
    let confidences = [0.99, 0.99, 0.5, 0.98]
    let cheap = CostModel(draftStep: 0.02, verify: (0..<20).map { 1 + 0.03 * Double($0) })
    let found = Self.siblings(cheap, confidences)
    #expect(found.count >= 3 && found.places.first == 2 && !found.places.contains(0))
    #expect(Self.siblings(cheap, confidences, hasSiblings: false) == (found.count, []))
    // All of them where a row costs nothing, the likeliest to be of use first.
    let free = CostModel(draftStep: 0.02, verify: Array(repeating: 1, count: 20))
    let all = Self.siblings(free, confidences)
    #expect(all.count == 4 && all.places.first == 2 && all.places.sorted() == [0, 1, 2, 3])
    // None where the candidates fill what a forward takes at once.
    let stepped = CostModel(draftStep: 0.02, verify: [1, 1.01, 1.02, 1.03, 1.04, 9, 10, 11])
    let full = Self.siblings(stepped, confidences)
    #expect(full.count == 4 && full.places.isEmpty)
  }

  @Test func `A draft without second choices gets no siblings`() {
    let free = CostModel(draftStep: 0.02, verify: Array(repeating: 1, count: 20))
    var policy = CostAwareDraftLength(costs: free)
    var (state, evidence) = (Self.state([Double]()), Self.evidence(0.6))
    evidence.choices = nil
    let isDrafted = policy.scoresAnother(state) && policy.submits(evidence, after: state)
    #expect(isDrafted)
    state.candidates = [DrawnCandidate(token: 1, probability: 0.6, evidence: evidence)]
    #expect(policy.siblings(state).isEmpty)
  }

  @Test func `Siblings that are never right are given up, those that are stay`() {
    let cheap = CostModel(draftStep: 0.02, verify: (0..<20).map { 1 + 0.03 * Double($0) })
    for isRight in [false, true] {
      var policy = CostAwareDraftLength(costs: cheap)
      var latest = 0
      for round in 0..<400 {
        let count = Self.length(&policy, [0.9, 0.5])
        let places = policy.siblings(Self.state(Array([0.9, 0.5].prefix(count))))
        if round >= 300 { latest += places.count }
        policy.observe(
          Self.round(
            Array([0.9, 0.5].prefix(count)), accepted: min(round % 2, count),
            siblings: places.sorted(), keepsSibling: isRight))
      }
      #expect(isRight ? latest >= 100 : latest <= 20)
    }
  }

  @Test func `Cost-aware gives up on a draft that is always wrong, and tries again rarely`() {
    let costs = CostModel(draftStep: 0.1, verify: [1, 1.1, 1.2, 1.3, 1.5])
    var policy = CostAwareDraftLength(costs: costs)
    var (drafted, siblings) = (0, [0, 0])
    for step in 0..<600 {
      let length = Self.length(&policy, Array(repeating: 0.5, count: 4))
      if step >= 200 { drafted += length }
      // What is only tried has none.
      siblings[step < 200 ? 0 : 1] +=
        policy.siblings(Self.state(Array(repeating: 0.5, count: length))).count
      policy.observe(Self.round(Array(repeating: 0.5, count: length), accepted: 0))
    }
    #expect(0..<20 ~= drafted && drafted > 0)
    #expect(siblings[0] > 0 && siblings[1] == 0)
  }

  @Test(
    "Whatever a draft does, cost-aware loses no more than a hundredth and a round and a half to plain decoding",
    arguments: [0.02, 0.5, 0.99], [0.05, 0.3, 0.9])
  func budget(_ confidence: Double, _ draftStep: Double) {
    let costs = CostModel(draftStep: draftStep, verify: [1, 1.1, 1.25, 1.4, 1.6])
    var policy = CostAwareDraftLength(costs: costs)
    var seconds = 0.0
    for round in 1...400 {
      var (steps, count) = (0, 0)
      while count < 20 {
        let state = Self.state(Array(repeating: confidence, count: count))
        guard policy.scoresAnother(state) else { break }
        steps += 1
        guard policy.submits(Self.evidence(confidence), after: state) else { break }
        count += 1
      }
      policy.observe(Self.round(Array(repeating: confidence, count: count), accepted: 0))
      seconds += Double(steps) * draftStep + costs.verify(count + 1, context: 100)
      #expect(seconds <= 1.01 * Double(round) + 1.5 + 1e-9)
    }
  }

  @Test func `A draft that becomes good is found out`() {
    let costs = CostModel(draftStep: 0.1, verify: [1, 1.05, 1.1, 1.2, 1.4])
    var policy = CostAwareDraftLength(costs: costs)
    var drafted = [0, 0]
    for round in 0..<1200 {
      let length = Self.length(&policy, Array(repeating: 0.8, count: 4))
      let isGood = round >= 300
      if round >= 1000 || 200..<300 ~= round { drafted[isGood ? 1 : 0] += length }
      policy.observe(
        Self.round(Array(repeating: 0.8, count: length), accepted: isGood ? length : 0))
    }
    #expect(drafted[0] < 20)
    #expect(drafted[1] > 300)
  }

  @Test func `Evidence decides what survival is made of`() {
    var tracker = SurvivalTracker(.draft, estimator: AcceptanceEstimator(), heads: nil)
    var policy = SurvivalThreshold(tracker, threshold: 0.5)
    // The chance of one candidate, of two, of three: 0.8, 0.64, 0.512, then 0.41.
    #expect(Self.length(&policy, Array(repeating: 0.8, count: 9)) == 3)
    // What is learned counts for the other kinds: a candidate that fails is not followed by more.
    tracker = SurvivalTracker(.before, estimator: AcceptanceEstimator(), heads: nil)
    policy = SurvivalThreshold(tracker, threshold: 0.5)
    let before = Self.length(&policy, Array(repeating: 0.9, count: 9))
    for _ in 0..<400 {
      let length = Self.length(&policy, Array(repeating: 0.9, count: 9))
      policy.observe(Self.round(Array(repeating: 0.9, count: length), accepted: 0))
    }
    #expect(before > 1 && Self.length(&policy, Array(repeating: 0.9, count: 9)) == 1)
  }

  @Test func `Costs lie between what was measured, and go on in a straight line past it`() {
    let costs = CostModel(
      contexts: [100, 300], draftStep: [1, 2], verify: [[10, 11, 12], [20, 22, 24]])
    #expect(costs.draftStep(context: 0) == 1)
    #expect(costs.draftStep(context: 200) == 1.5)
    #expect(costs.draftStep(context: 900) == 2)
    #expect(costs.verify(1, context: 200) == 15)
    #expect(costs.verify(5, context: 100) == 14)
    // On the slope of the widest half, not on that from one token on.
    #expect(CostModel(draftStep: 1, verify: [2, 2, 2, 3, 4]).verify(7, context: 0) == 6)
    #expect(costs.widest == 3)
  }

  @Test func `Measuring a model gives costs that rise with the tokens`() throws {
    var measurement = CostMeasurement()
    measurement.contexts = [8, 5000]
    measurement.widths = [1, 2, 4, 5]
    measurement.repeats = 3
    let model = FakeModel(vocabularySize: 100, contextLength: 64, seed: 1)
    var last = (0, 0)
    let costs = try measurement.run(target: model, draft: model) { last = ($0, $1) }
    #expect(costs.contexts == [8])
    #expect(last.0 == last.1 && last.1 == 12)
    #expect(costs.widest == 5 && costs.head == 0)
    #expect(costs.verify[0][2] == (costs.verify[0][1] + costs.verify[0][3]) / 2)
    #expect(costs.verify[0] == costs.verify[0].sorted())
    #expect(model.openSequences == 0)
  }

  @Test func `Online logistic regression recovers chances from labels`() {
    var generator = SeededGenerator(seed: 3)
    var model = OnlineLogistic(weights: SIMD8(repeating: 0), rate: 0.3)
    func chance(_ x: Double) -> Double { 1 / (1 + Double.exponential(-(2 * x - 0.5))) }
    for _ in 0..<20_000 {
      let x = Double.random(in: -2...2, using: &generator)
      model.learn([1, x, 0, 0, 0, 0, 0, 0], label: chance(x))
    }
    for x in [-1.5, -0.5, 0, 1] {
      #expect(abs(model.probability([1, x, 0, 0, 0, 0, 0, 0]) - chance(x)) < 0.02)
    }
  }

  @Test func `A look-up proposes what followed the longest and latest match`() throws {
    let drafter = PromptLookupDrafter(lengths: 2...3)
    func proposed(_ tokens: [TokenID]) throws -> [TokenID] {
      var prefix = Prefix(prompt: tokens, sampling: SamplingOptions())
      var found: [TokenID] = []
      while found.count < 4, let step = try drafter.score(after: prefix, needs: []) {
        found += step.distribution.tokens ?? []
        prefix.append(found.last ?? 0)
      }
      drafter.rewind(to: tokens.count)
      return found
    }
    #expect(try proposed([1, 2, 3, 9, 8, 1, 2, 3]) == [9, 8, 1, 2])
    #expect(try proposed([5, 1, 2, 7, 6, 1, 2, 4, 1, 2]) == [4, 1, 2, 4])
    #expect(try proposed([1, 2, 3, 4]) == [])
    #expect(try proposed([7, 7, 7, 7]) == [7, 7, 7, 7])
  }
}
