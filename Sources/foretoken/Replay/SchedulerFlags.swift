import ArgumentParser
import Workload

/// The engine that is simulated: its limits, its step times and how it is scheduled.
struct SchedulerFlags: ParsableArguments {
  @Option(help: "How steps are put together: \(names(Batching.self)).")
  var batching = Batching.continuous
  @Option(help: "What a preempted request loses: \(names(PreemptionKind.self)).")
  var preemption = PreemptionKind.recompute
  @Option(
    help: "Who is admitted: \(PolicyTable.admissions.map(\.name).joined(separator: ", ")).")
  var admission = "on-demand"
  @Option(help: "Tokens a step (vLLM's max_num_batched_tokens).")
  var maxNumBatchedTokens = 2048
  @Option(help: "Requests that run at once (vLLM's max_num_seqs).")
  var maxNumSeqs = 128
  @Option(help: "Blocks of the cache: what the server's log says.")
  var numGpuBlocks = 8192
  @Option(help: "Tokens in a block.")
  var blockSize = 16
  @Option(help: "Longest answer of requests that name no limit.")
  var maxTokens = 4096
  @Flag(help: "Plan each step while the one before runs (vLLM's async scheduling).")
  var asyncScheduling = false
  @Flag(
    help:
      """
      Requests share the blocks of equal prefixes, where the trace names them (Mooncake, Bailian), \
      and who was preempted finds what is left of its own.
      """
  )
  var prefixCaching = false
  @Option(
    help: "Step times: \(StepTimeModel.names.joined(separator: ", ")), or seconds by name.")
  var stepTimes = "llama2-7b-a100"
  @Option(
    help: ArgumentHelp(
      "Fit the step times: a file of \"foretoken calibrate --batches\", the log of a run, or a "
        + "vLLM request log made with these limits; auto is this machine's calibration.",
      valueName: "file"))
  var calibration: String?
  @Flag(help: "Vary fitted step times as the measured ones do.")
  var jitter = false
  @Option(help: "Draft tokens for each decode; 'best' lets the batch decide, up to 8.")
  var speculate: String?
  @Option(help: "Chance that a draft token is accepted.")
  var acceptance = 0.7
  @Option(help: "Its deviation over requests.")
  var acceptanceDeviation = 0.15
  @Option(
    help: """
      Milliseconds of one draft step. (default: what this machine's calibration says, for each \
      decode; 1 where there is none)
      """)
  var draftStep: Double?

  private static func names<Kind: CaseIterable & RawRepresentable<String>>(
    _: Kind.Type
  ) -> String {
    Kind.allCases.map(\.rawValue).joined(separator: ", ")
  }

  /// - Parameter measured: what drafting takes here, for where `--draft-step` says nothing.
  func speculation(
    seed: UInt64, measured: StepTimes.Drafting? = nil
  ) throws(WorkloadError) -> Speculation? {
    guard let speculate else { return nil }
    let length: Speculation.DraftLength
    if speculate == "best" {
      length = .best(limit: 8)
    } else if let fixed = Int(speculate) {
      length = .fixed(fixed)
    } else {
      throw WorkloadError(
        .invalidSetting, source: "--speculate",
        problem: "'\(speculate)' is neither a number nor 'best'")
    }
    var speculation = try Speculation(
      length, acceptance: acceptance, acceptanceDeviation: acceptanceDeviation,
      draftStep: Time(milliseconds: draftStep ?? 1), seed: seed)
    if let measured, draftStep == nil {
      speculation.draftPerDecode = measured.token
      let drafts = Double(max(1, length.limit))
      speculation.draftStep = Time(seconds: measured.start.seconds / drafts)
    }
    return speculation
  }

  func scheduler(
    policy: String, speculation: Speculation?
  ) throws(WorkloadError) -> Scheduler {
    let named = try PolicyTable.policy(policy, admission: PolicyTable.admission(admission))
    return try Scheduler(
      limits(speculation), ordering: named.ordering, admission: named.admission)
  }

  func limits(_ speculation: Speculation? = nil) -> SchedulerConfiguration {
    var configuration = SchedulerConfiguration()
    configuration.batching = batching
    configuration.preemption = preemption
    configuration.tokenBudget = maxNumBatchedTokens
    configuration.maximumRunning = maxNumSeqs
    configuration.blockCount = numGpuBlocks
    configuration.blockSize = blockSize
    configuration.outputLimit = maxTokens
    configuration.isPipelined = asyncScheduling
    configuration.cachesPrefixes = prefixCaching
    configuration.lookahead = speculation?.draftLength.limit ?? 0
    return configuration
  }
}

extension Batching: ExpressibleByArgument {}
extension PreemptionKind: ExpressibleByArgument {}
