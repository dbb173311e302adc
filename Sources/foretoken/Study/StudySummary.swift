import Reporting
import Workload

/// The scenes of a study folded over seeds: a row for each setting and arm.
struct StudySummary {
  /// Mean and percentiles with their 95 % intervals.
  struct Statistics {
    /// The mean, then `ResampledStatistics.shares`.
    var estimates: [Estimate]
    var mean: Estimate { estimates[0] }
    var p99: Estimate { estimates[4] }
  }

  struct Row {
    var setting: StudyScene
    var arm: StudyArm
    var seeds: Int
    var latency, timeToFirstToken, timePerToken, slowdown: Statistics
    /// The baseline's mean latency over this one's, and the same of the 99th percentiles: above 1 is
    /// better than the baseline.
    var meanGain, tailGain: Estimate
    /// Means over seeds.
    var requests, finished, rejected, preemptions, wastedTokens, steps: Double
    var drafted, accepted, makespan, attainment, goodput, outputTokensPerSecond: Double
    var fairness, starvation, kvUse: Double
    /// By hundredths of the requests.
    var distribution: [Double]
    /// The first seed's.
    var first: StudyResult.Arm
  }

  /// All rows of one setting, the baseline first.
  struct Group {
    var setting: StudyScene
    var rows: [Row]
    var baseline: Row { rows[0] }
  }

  let groups: [Group]

  /// - Parameter results: every scene, in the study's order.
  init(_ study: StudyFile, _ results: [StudyResult]) throws {
    var order: [StudyScene] = []
    var bySetting: [StudyScene: [StudyResult]] = [:]
    for result in results {
      if bySetting[result.scene.setting] == nil { order.append(result.scene.setting) }
      bySetting[result.scene.setting, default: []].append(result)
    }
    let arms = try study.arms()
    groups = try order.map { setting in
      let results = bySetting[setting] ?? []
      let rows = try arms.map { arm in
        let runs = results.compactMap { result in result.arms.first { $0.arm == arm } }
        guard runs.count == results.count, let first = runs.first, let base = arms.first else {
          throw CommandError(Failure.badData, "\(setting.trace): a scene lacks '\(arm.name)'")
        }
        let baseline = results.compactMap { result in result.arms.first { $0.arm == base } }
        return Row(setting, arm, runs, against: baseline, first: first)
      }
      return Group(setting: setting, rows: rows)
    }
  }
}

extension StudySummary.Row {
  fileprivate init(
    _ setting: StudyScene, _ arm: StudyArm, _ runs: [StudyResult.Arm],
    against baseline: [StudyResult.Arm], first: StudyResult.Arm
  ) {
    self.setting = setting
    self.arm = arm
    seeds = runs.count
    let fold = SeedFold(seeds: runs.count)
    latency = fold.statistics(runs.map(\.latency))
    timeToFirstToken = fold.statistics(runs.map(\.timeToFirstToken))
    timePerToken = fold.statistics(runs.map(\.timePerToken))
    slowdown = fold.statistics(runs.map(\.slowdown))
    meanGain = fold.ratio(baseline.map(\.latency), runs.map(\.latency), statistic: 0)
    tailGain = fold.ratio(baseline.map(\.latency), runs.map(\.latency), statistic: 4)
    func mean(_ value: (StudyResult.Arm) -> Double) -> Double {
      runs.reduce(0) { $0 + value($1) } / Double(runs.count)
    }
    requests = mean { Double($0.requests) }
    finished = mean { Double($0.finished) }
    rejected = mean { Double($0.rejected) }
    preemptions = mean { Double($0.preemptions) }
    wastedTokens = mean { Double($0.wastedTokens) }
    steps = mean { Double($0.steps) }
    drafted = mean { Double($0.drafted) }
    accepted = mean { Double($0.accepted) }
    makespan = mean(\.makespan)
    attainment = mean(\.attainment)
    goodput = mean(\.goodput)
    outputTokensPerSecond = mean(\.outputTokensPerSecond)
    fairness = mean(\.fairness)
    starvation = mean(\.starvation)
    kvUse = mean(\.kvUse)
    distribution = first.distribution.indices.map { index in
      mean { $0.distribution.indices.contains(index) ? Double($0.distribution[index]) : .nan }
    }
    self.first = first
  }
}

/// Means over seeds, with intervals over both what the seeds drew and which stretches of traffic
/// came: resample b draws the seeds anew and takes each one's b-th resample of its requests.
private struct SeedFold {
  let seeds: Int

  func statistics(_ measures: [StudyResult.Measure]) -> StudySummary.Statistics {
    let count = measures.map(\.values.count).min() ?? 0
    return StudySummary.Statistics(
      estimates: (0..<5).map { statistic in
        guard statistic < count else { return Estimate(value: .nan, low: .nan, high: .nan) }
        return estimate(value(measures, statistic), resampled(measures, statistic))
      })
  }

  func ratio(
    _ above: [StudyResult.Measure], _ below: [StudyResult.Measure], statistic: Int
  ) -> Estimate {
    let ratios = zip(resampled(above, statistic), resampled(below, statistic)).map { $0 / $1 }
    return estimate(value(above, statistic) / value(below, statistic), ratios)
  }

  private func value(_ measures: [StudyResult.Measure], _ statistic: Int) -> Double {
    measures.reduce(0) { $0 + $1.values[statistic] } / Double(measures.count)
  }

  /// The same draws whatever is asked about, so that runs are compared on the same seeds.
  private func resampled(_ measures: [StudyResult.Measure], _ statistic: Int) -> [Double] {
    let lists = measures.compactMap { measure in
      measure.resamples.indices.contains(statistic) ? measure.resamples[statistic] : nil
    }
    guard lists.count == seeds, let count = lists.map(\.count).min() else { return [] }
    var random = SplitMix64(seed: 2)
    return (0..<count).map { resample in
      (0..<seeds).reduce(0) { sum, _ in
        sum + Double(lists[random.index(below: seeds)][resample])
      } / Double(seeds)
    }
  }

  private func estimate(_ value: Double, _ resamples: [Double]) -> Estimate {
    let sample = Sample(resamples.filter(\.isFinite))
    return Estimate(
      value: value, low: sample.quantile(0.025) ?? value, high: sample.quantile(0.975) ?? value)
  }
}
