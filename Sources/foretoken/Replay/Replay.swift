import ArgumentParser
import Decoding
import Serving
import Workload

/// What a policy would have made of a trace.
struct Replay: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Replay a request trace through the scheduler on a virtual clock.")

  enum Predictor: String, ExpressibleByArgument, CaseIterable {
    case none, group, noise, oracle
  }

  @OptionGroup var trace: TraceFlags
  @OptionGroup(title: "Engine") var engine: SchedulerFlags
  @Option(
    parsing: .upToNextOption,
    help: "Policies to compare: \(PolicyTable.orderings.map(\.name).joined(separator: ", ")).")
  var policy = ["fcfs"]
  @Option(help: "Who predicts lengths: none, group (recent lengths), noise (of --tau), oracle.")
  var predictor = Predictor.none
  @Option(help: "Kendall's tau of the noise model.")
  var tau = 0.6
  @Option(help: "Seconds to the first token that are good enough.")
  var sloTtft = 1.0
  @Option(help: "Milliseconds a token that are good enough.")
  var sloTpot = 100.0
  @Option var seed: UInt64 = 0
  @Flag(help: "Print a JSON object for each policy instead of a table.")
  var json = false

  @Option(
    help: ArgumentHelp(
      "Keep the scheduler's decisions as JSON lines; zstd where the name ends in .zst.",
      valueName: "file"))
  var log: String?
  @Option(
    help: ArgumentHelp(
      "Compute the metrics from such a log, of any number of runs.", valueName: "file"))
  var fromLog: String?
  @Option(
    help: ArgumentHelp(
      "Write requests and steps for chrome://tracing or Perfetto; of one policy.",
      valueName: "file"))
  var chromeTrace: String?
  @Flag(help: "Run the target in real time instead of a virtual clock.")
  var live = false
  @OptionGroup(title: "Models of --live and --calibration auto") var model: ModelOptions
  @OptionGroup var verbosity: VerbosityFlags

  func validate() throws {
    if chromeTrace != nil, policy.count > 1 {
      throw ValidationError("--chrome-trace takes one policy")
    }
    if live, fromLog != nil { throw ValidationError("--live and --from-log exclude each other") }
  }

  func run() throws {
    try Failure.reported {
      let files = try RunFiles(log: log, chromeTrace: chromeTrace)
      var table = ReplayTable(json: json, objective: objective, seed: seed)
      if let fromLog {
        try replay(log: fromLog, files, &table)
      } else {
        let isMeasuredHere = engine.calibration == "auto"
        let pair: Pair? =
          if live || isMeasuredHere {
            try Pair(model, drafting: isMeasuredHere, verbosity)
          } else { nil }
        let times = try stepTimes(pair)
        if live { Interrupt.watch() }
        for name in policy { try replay(name, times, live ? pair : nil, files, &table) }
      }
      try files.complete()
    }
  }

  private var objective: ServiceSummary.Objective {
    .init(timeToFirstToken: sloTtft, timePerToken: sloTpot / 1e3)
  }

  private func stepTimes(_ pair: Pair?) throws -> StepTimeModel {
    guard let path = engine.calibration else { return try StepTimeModel(parsing: engine.stepTimes) }
    var times: StepTimeModel
    if path == "auto", let pair {
      guard let kept = try CalibrationStore(pair, verbosity).fresh(orBrief: false) else {
        throw CommandError(
          Failure.missingInput,
          "--calibration auto: no calibration holds here; \"foretoken calibrate --batches\" makes one"
        )
      }
      times = try StepTimes.fitted(kept, "calibration")
    } else {
      times = try StepTimes.fitted(path, engine: engine.limits())
    }
    if !engine.jitter { times.jitter = [] }
    return times
  }

  /// One policy, simulated, or live where there is a pair.
  private func replay(
    _ name: String, _ times: StepTimeModel, _ pair: Pair?, _ files: RunFiles,
    _ table: inout ReplayTable
  ) throws {
    let speculation = try engine.speculation(seed: seed)
    let scheduler = try engine.scheduler(policy: name, speculation: speculation)
    let source = try trace.open(seed: seed)
    let header = RunLogHeader(
      policy: name, predictor: predictor.rawValue, clock: live ? .wall : .virtual,
      configuration: scheduler.configuration, model: times)
    let done: TraceFlags.Source
    let observer: RunObserver
    if let pair {
      var run = try LiveRun(
        scheduler, source: source, predictor: lengthPredictor(),
        engine: ModelEngine(target: pair.target, seed: seed), observer: files.observer(header))
      Interrupt.reset()
      Interrupt.endAfterRound()
      try run.run(isStopped: { Interrupt.isRequested })
      if Interrupt.isRequested { throw ExitCode(Interrupt.status) }
      (done, observer) = (run.source, run.observer)
    } else {
      var simulation = try Simulation(
        scheduler, source: source, predictor: lengthPredictor(), model: times,
        speculation: speculation, observer: files.observer(header))
      simulation.jitterSeed = seed
      try simulation.run()
      (done, observer) = (simulation.source, simulation.observer)
    }
    if name == policy.first, let remarks = TraceFlags.remarks(done) { verbosity.say(remarks) }
    observer.trace?.end()
    try table.show(header, observer.metrics)
  }

  /// The runs that a log holds, one after the other.
  private func replay(log: String, _ files: RunFiles, _ table: inout ReplayTable) throws {
    var reader = RunLogReader(try TraceFile(path: log), name: log)
    var current: (header: RunLogHeader, fold: RunLogFold<RunObserver>)?
    while let record = try reader.next() {
      if case .run(let header) = record {
        if let current {
          if chromeTrace != nil {
            throw CommandError(Failure.usage, "\(log.printable): --chrome-trace takes one run")
          }
          try table.show(current.header, current.fold.observer.metrics)
        }
        current = (header, RunLogFold(files.observer(header)))
      } else if current == nil {
        throw CommandError(Failure.badData, "\(log.printable): does not begin with a run's header")
      }
      current?.fold.add(record)
    }
    guard let current else {
      throw CommandError(Failure.badData, "\(log.printable): holds no run")
    }
    current.fold.observer.trace?.end()
    try table.show(current.header, current.fold.observer.metrics)
  }

  private func lengthPredictor() throws -> any LengthPredictor {
    switch predictor {
    case .none: return NoPredictor()
    case .oracle: return OraclePredictor()
    case .group: return GroupQuantiles()
    case .noise:
      guard trace.trace != "-" else {
        throw CommandError(
          Failure.usage, "--predictor noise reads the trace twice, which stdin does not allow")
      }
      var source = try trace.open(seed: seed)
      return try NoisyPredictor(
        tau: tau, lengths: source.collect().map(\.outputLength), seed: seed)
    }
  }
}
