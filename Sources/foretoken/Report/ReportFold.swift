import Decoding
import Reporting

/// Folds runs into a summary; the same for runs that are being made and for runs of a log.
struct ReportFold {
  let header: ReportHeader
  private(set) var runs: [Run] = []
  private(set) var verifySeconds: [Int: [Double]] = [:]
  private(set) var confidences: [Double: Confidences] = [:]
  private var oracle = OracleEvidence()

  /// What the summary needs of a run.
  struct Run {
    var cell: Cell
    var policy: String
    var digest: String
    var tokens: Int
    var seconds: Double
    var statistics: GenerationStatistics
  }

  /// What is the same for all policies that are compared.
  struct Cell: Hashable {
    var prompt: Int
    var temperature: Double
    var seed: UInt64
    var repetition: Int
  }

  /// The draft's probability of candidates that were judged, and their acceptance.
  struct Confidences {
    var predicted: [Double] = []
    var accepted: [Double] = []
  }

  init(_ header: ReportHeader) { self.header = header }

  mutating func add(_ run: ReportRun) {
    runs.append(
      Run(
        cell: Cell(
          prompt: run.prompt, temperature: run.temperature, seed: run.seed,
          repetition: run.repetition),
        policy: run.policy, digest: run.digest, tokens: run.tokens, seconds: run.seconds,
        statistics: GenerationStatistics(run.rounds)))
    if header.settings.fixesText(temperature: run.temperature),
      PolicyChoice.asksModelOnly(run.policy)
    {
      oracle.add(run, promptCount: header.prompts[run.prompt].tokens)
    }
    for round in run.rounds where !round.isPrefill {
      verifySeconds[round.forwarded, default: []].append(round.seconds.verify)
      for candidate in round.candidates {
        // A draw that was certain, by a draft whose shape nobody asked for, says nothing.
        guard let acceptance = candidate.acceptance, candidate.confidence < 1 else { continue }
        confidences[run.temperature, default: Confidences()].predicted.append(candidate.confidence)
        confidences[run.temperature, default: Confidences()].accepted.append(acceptance)
      }
    }
  }

  func summary() -> ReportSummary {
    let verifyCosts = verifyCosts()
    return ReportSummary(
      groups: groups(verifyCosts), identity: identity(), verifyCosts: verifyCosts,
      confidence: confidence())
  }

  // MARK: - Groups

  private func groups(_ costs: [ReportSummary.VerifyCost]) -> [ReportSummary.Group] {
    var sets: [String] = []
    for prompt in header.prompts where !sets.contains(prompt.set) { sets.append(prompt.set) }
    let complete = complete()
    return sets.flatMap { set in
      header.settings.temperatures.compactMap { temperature in
        let runs = complete.filter {
          header.prompts[$0.cell.prompt].set == set && $0.cell.temperature == temperature
        }
        return runs.isEmpty ? nil : group(set, temperature, runs, costs)
      }
    }
  }

  /// The runs of cells in which every policy has one: what an interruption has cut off is left out,
  /// so that all policies have the same prompts.
  private func complete() -> [Run] {
    var counts: [Cell: Int] = [:]
    for run in runs { counts[run.cell, default: 0] += 1 }
    return runs.filter { counts[$0.cell] == header.policies.count }
  }

  private func group(
    _ set: String, _ temperature: Double, _ runs: [Run], _ costs: [ReportSummary.VerifyCost]
  ) -> ReportSummary.Group {
    let byPolicy = Dictionary(grouping: runs, by: \.policy)
    let measures = byPolicy.mapValues(Measure.init)
    let order = header.policies.filter { measures[$0] != nil }
    let fixed = order.filter { PolicyChoice.fixedLength(of: $0) != nil }
    let fastest = fixed.max { (measures[$0]?.rate ?? 0) < (measures[$1]?.rate ?? 0) }
    let reference = header.settings.reference ?? fastest
    let usual = PolicyChoice.costAware.description
    let leader = order.contains(usual) ? usual : order.first { $0.hasPrefix("cost-aware") }
    let bootstrap = Bootstrap()
    let plain = measures[PolicyChoice.plain.description]
    let rows = order.compactMap { policy -> ReportSummary.Row? in
      guard let measure = measures[policy], let plain, let runs = byPolicy[policy],
        let rate = bootstrap.ratio(of: measure.tokens, to: measure.seconds),
        let speedup = measure.speedup(over: plain, bootstrap)
      else { return nil }
      let gain = reference.flatMap { measures[$0] }.flatMap {
        measure.speedup(over: $0, bootstrap)
      }
      let lead = leader.flatMap { measures[$0] }.flatMap {
        $0.speedup(over: measure, bootstrap)
      }
      return ReportSummary.Row(
        policy, runs, rate: rate, speedup: speedup, gain: gain, lead: lead)
    }
    let prompts = Set(runs.map(\.cell.prompt))
    return ReportSummary.Group(
      set: set, temperature: temperature, prompts: prompts.count, reference: reference, rows: rows,
      leader: leader, ceilings: SpeedupCeilings(set: set, rows),
      oracle: oracle.speedup(
        prompts: prompts, temperature: temperature, header.prompts.map(\.tokens), verify: costs,
        bootstrap))
  }

  // MARK: - Across groups

  private func identity() -> ReportSummary.Identity {
    var expected: [Cell: String] = [:]
    func key(_ cell: Cell) -> Cell {
      Cell(prompt: cell.prompt, temperature: cell.temperature, seed: cell.seed, repetition: 0)
    }
    for run in runs where run.policy == PolicyChoice.plain.description {
      expected[key(run.cell)] = run.digest
    }
    var identity = ReportSummary.Identity()
    for run in runs where header.settings.fixesText(temperature: run.cell.temperature) {
      guard run.policy != PolicyChoice.plain.description, let digest = expected[key(run.cell)]
      else { continue }
      identity.compared += 1
      guard run.digest != digest else { continue }
      identity.different += 1
      if identity.examples.count < 5 {
        let prompt = header.prompts[run.cell.prompt]
        identity.examples.append(
          "\(run.policy) on \(prompt.set)/\(prompt.id), temperature \(run.cell.temperature), "
            + "seed \(run.cell.seed)")
      }
    }
    return identity
  }

  private func verifyCosts() -> [ReportSummary.VerifyCost] {
    verifySeconds.sorted { $0.key < $1.key }.compactMap { tokens, seconds in
      let sample = Sample(seconds)
      return sample.quartiles.map {
        ReportSummary.VerifyCost(
          tokens: tokens, forwards: sample.count, lower: $0.lower, median: $0.median,
          upper: $0.upper)
      }
    }
  }

  private func confidence() -> [ReportSummary.Confidence] {
    confidences.sorted { $0.key < $1.key }.map { temperature, pairs in
      ReportSummary.Confidence(
        temperature: temperature,
        reliability: Reliability(predictions: pairs.predicted, outcomes: pairs.accepted))
    }
  }
}

/// What one policy did, prompt by prompt.
private struct Measure {
  /// Of a prompt's answers, a mean over repeats, a sum over seeds.
  let tokens: [Double]
  /// What these tokens take at the median pace of the repeats, which one slow run does not move.
  let seconds: [Double]

  init(_ runs: [ReportFold.Run]) {
    let prompts = Dictionary(grouping: runs, by: \.cell.prompt).sorted { $0.key < $1.key }
    let sums = prompts.map { _, runs -> (tokens: Double, seconds: Double) in
      Dictionary(grouping: runs, by: \.cell.seed).sorted { $0.key < $1.key }
        .reduce(into: (0, 0)) { sums, seed in
          let runs = seed.value
          let tokens = Double(runs.reduce(0) { $0 + $1.tokens }) / Double(runs.count)
          let pace = Sample(runs.map { $0.seconds / Double(max(1, $0.tokens)) }).median ?? 0
          sums.0 += tokens
          sums.1 += tokens * pace
        }
    }
    tokens = sums.map(\.tokens)
    seconds = sums.map(\.seconds)
  }

  var rate: Double { tokens.reduce(0, +) / seconds.reduce(0, +) }

  /// The ratio of the two rates, prompts drawn anew for both at once.
  func speedup(over other: Measure, _ bootstrap: Bootstrap) -> Estimate? {
    let rows = tokens.indices.map {
      [tokens[$0], seconds[$0], other.tokens[$0], other.seconds[$0]]
    }
    return bootstrap.estimate(rows) { sums in
      sums[1] > 0 && sums[2] > 0 ? sums[0] / sums[1] * sums[3] / sums[2] : nil
    }
  }
}

extension ReportSummary.Row {
  fileprivate init(
    _ policy: String, _ runs: [ReportFold.Run], rate: Estimate, speedup: Estimate, gain: Estimate?,
    lead: Estimate?
  ) {
    var statistics = GenerationStatistics()
    for run in runs { statistics.add(run.statistics) }
    let tokens = runs.reduce(0) { $0 + $1.tokens }
    let wall = runs.reduce(0) { $0 + $1.seconds }
    // `[i]`: rounds that kept at least i.
    let kept = [statistics.rounds] + statistics.acceptedAt
    let each = 1 / Double(max(1, tokens))
    let seconds = statistics.seconds
    self.init(
      policy: policy, runs: runs.count, tokens: tokens, tokensPerSecond: rate, speedup: speedup,
      gain: gain, lead: lead, acceptanceRate: statistics.acceptanceRate,
      tokensPerRound: statistics.tokensPerRound, discardRate: statistics.discardRate,
      verificationRate: statistics.verificationRate,
      acceptedCounts: zip(kept, kept.dropFirst() + [0]).map { $0 - $1 },
      acceptedShares: kept.dropFirst().map { Double($0) / Double(max(1, statistics.rounds)) },
      time: ReportSummary.TimeSplit(
        prompt: statistics.prefillSeconds * each, draft: (seconds.draft - seconds.policy) * each,
        policy: seconds.policy * each, verify: seconds.verify * each,
        accept: seconds.accept * each,
        other: (wall - statistics.prefillSeconds - seconds.total) * each))
  }
}
