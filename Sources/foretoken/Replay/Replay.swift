import ArgumentParser
import Decoding
import Serving
import Workload

/// What a policy would have made of a trace.
struct Replay: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Replay a request trace through the scheduler on a virtual clock, or live.",
    discussion: """
      With --endpoint requests go to an OpenAI-compatible server at the trace's times, whatever has \
      become of the earlier ones, and answers are streamed. Prompts are the trace's texts (--columns \
      ...,text=NAME), those of --prompts, or common words: as many as have the trace's tokens by the \
      server's own count of two probes, which is said where it is more than 2 % off. Answers are as \
      long as the trace's where the server knows ignore_eos or min_tokens; other lengths are \
      counted. A policy's order becomes vLLM's "priority", lower sooner, or with --client-order the \
      order in which requests are sent. Requests that fail are tried again where that may help, and \
      counted by what went wrong.

      Exit codes: 0 done; 64 usage; 65 a bad trace, or a server that refuses; 66 missing file; \
      74 input/output; 75 the server does not answer; 77 it wants another key; 130 ended by Ctrl-C, \
      with what was measured.
      """)

  @OptionGroup var trace: TraceFlags
  @OptionGroup(title: "Engine") var engine: SchedulerFlags
  @Option(
    parsing: .upToNextOption,
    help: """
      Policies to compare: \(PolicyTable.orderings.map(\.name).joined(separator: ", ")); with an \
      admission of its own as in sjf-work+packing.
      """)
  var policy = ["fcfs"]
  @OptionGroup(title: "Predictions") var prediction: PredictionFlags
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
  @OptionGroup(title: "Live") var live: LiveFlags
  @OptionGroup(title: "Server") var endpoint: EndpointReplayFlags
  @OptionGroup(title: "Models of --live and --calibration auto") var model: ModelOptions
  @OptionGroup var verbosity: VerbosityFlags

  func validate() throws {
    if chromeTrace != nil, policy.count > 1 {
      throw ValidationError("--chrome-trace takes one policy")
    }
    if live.live, fromLog != nil {
      throw ValidationError("--live and --from-log exclude each other")
    }
    if live.live, engine.speculate == "best", engine.calibration == nil {
      throw ValidationError(
        "--speculate best with --live needs --calibration: a file of \"foretoken calibrate "
          + "--batches\", or auto")
    }
    if endpoint.server.endpoint != nil {
      guard !live.live, fromLog == nil else {
        throw ValidationError("--endpoint, --live and --from-log exclude each other")
      }
      guard model.model != nil else {
        throw ValidationError("--endpoint needs --model: the name by which it knows the model")
      }
    }
  }

  func run() throws {
    try Failure.reported {
      let files = try RunFiles(log: log, chromeTrace: chromeTrace)
      var table = ReplayTable(json: json, objective: objective, seed: seed)
      if let fromLog {
        try replay(log: fromLog, files, &table)
      } else if let url = endpoint.server.endpoint {
        try replay(at: url, files, &table)
      } else {
        try replay(files, &table)
      }
      try files.complete()
    }
  }

  private var objective: ServiceSummary.Objective {
    .init(timeToFirstToken: sloTtft, timePerToken: sloTpot / 1e3)
  }

  private var predictorLabel: String {
    prediction.label + (live.statePredictor == nil ? "" : "+state")
  }

  /// The policies, one after the other.
  private func replay(_ files: RunFiles, _ table: inout ReplayTable) throws {
    let isMeasuredHere = engine.calibration == "auto"
    let pair =
      live.live || isMeasuredHere
      ? try Pair(model, drafting: isMeasuredHere || engine.speculate != nil, verbosity) : nil
    let times = try stepTimes(pair)
    let texts = try live.texts()
    var models: LiveModels?
    if let pair, live.live {
      models = try LiveModels(live, texts: texts, pair: pair, seed: seed)
      Interrupt.watch()
    }
    for name in policy {
      let speculation = try engine.speculation(seed: seed, measured: times.drafting)
      let scheduler = try engine.scheduler(policy: name, speculation: speculation)
      let predictor = try prediction.predictor(
        trace, texts: texts, decoding: live.decoding, seed: seed)
      let header = RunLogHeader(
        policy: name, predictor: predictorLabel, clock: live.live ? .wall : .virtual,
        configuration: scheduler.configuration, model: times.model)
      var source = try trace.open(seed: seed)
      var observer = files.observer(header)
      if let models {
        let requests = models.asked(try source.collect())
        let drafts = speculation.map { speculation in
          { speculation.drafts($0, model: times.model) }
        }
        observer = try run(
          scheduler, requests, predictor, models.engine(drafts: drafts, limit: engine.maxTokens),
          observer)
      } else {
        var simulation = try Simulation(
          scheduler, source: source, predictor: predictor, model: times.model,
          speculation: speculation, observer: observer)
        simulation.jitterSeed = seed
        try simulation.run()
        (source, observer) = (simulation.source, simulation.observer)
      }
      if name == policy.first, let remarks = TraceFlags.remarks(source) { verbosity.say(remarks) }
      observer.trace?.end()
      try table.show(header, observer.metrics)
      if live.live, Interrupt.isRequested {
        try files.complete()
        throw ExitCode(Interrupt.status)
      }
    }
  }

  /// In real time, until all is done or Ctrl-C.
  private func run(
    _ scheduler: Scheduler, _ requests: [Workload.Request], _ predictor: any LengthPredictor,
    _ engine: ModelEngine, _ observer: RunObserver
  ) throws -> RunObserver {
    let bar = verbosity.quiet ? nil : ProgressBar(label: "live", unit: .items("requests"))
    defer { bar?.finish() }
    var observer = observer
    observer.progress = { bar?.update(done: $0, total: requests.count) }
    var run = try LiveRun(
      scheduler, source: ListedRequests(requests), predictor: predictor, engine: engine,
      observer: observer)
    Interrupt.endAfterRound()
    try run.run(isStopped: { Interrupt.isRequested })
    return run.observer
  }

  private func stepTimes(_ pair: Pair?) throws -> StepTimes {
    guard let path = engine.calibration else {
      return StepTimes(try StepTimeModel(parsing: engine.stepTimes))
    }
    var times: StepTimes
    if path == "auto", let pair {
      guard let kept = try CalibrationStore(pair, verbosity).fresh(orBrief: false) else {
        throw CommandError(
          Failure.missingInput,
          "--calibration auto: no calibration holds here; \"foretoken calibrate --batches\" makes one"
        )
      }
      times = try StepTimes(fitting: kept, "calibration")
    } else {
      times = try StepTimes(fitting: path, engine: engine.limits())
    }
    if !engine.jitter { times.model.jitter = [] }
    return times
  }

  /// The runs that a log holds, one after the other.
  private func replay(log: String, _ files: RunFiles, _ table: inout ReplayTable) throws {
    var reader = RunLogReader(try FileBytes(path: log), name: log)
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
}
