import ArgumentParser
import Transformer
import Workload

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// How fast the simulator goes through a trace.
struct ReplayBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay", abstract: "Requests per CPU second of the simulator on a trace.")

  @Argument(help: "A trace file, not compressed; without one, requests are drawn.")
  var trace: String?
  @Option(help: "Requests to draw.")
  var synthetic = 1_000_000
  @Option(help: "Drawn requests a second.")
  var rate = 5.5
  @Option(help: "Ordering policy.")
  var policy = "fcfs"
  @Option(help: "Batching: \(Batching.allCases.map(\.rawValue).joined(separator: ", ")).")
  var batching = Batching.continuous
  @Option(help: "Tokens a step.")
  var budget = 2048
  @Option(help: "Requests that run at once.")
  var running = 128
  @Option(help: "Blocks of 16 tokens.")
  var blocks = 5600
  @Option(help: "Step times: \(StepTimeModel.names.joined(separator: ", ")).")
  var model = "llama2-7b-a100"
  @Option(help: "Runs.")
  var repeats = 5
  @Flag(help: "Plan every step.")
  var stepping = false

  func run() throws {
    guard let times = StepTimeModel.named(model) else {
      throw ValidationError("no step times are called '\(model)'")
    }
    for _ in 0..<repeats {
      let start = Self.cpuSeconds
      let metrics: ServiceMetrics
      if let trace {
        let file = try InputFile(path: trace)
        metrics = try simulate(TraceReader(FileBytes(file), name: trace), times)
      } else {
        metrics = try simulate(drawn(), times)
      }
      let seconds = Self.cpuSeconds - start
      let summary = ServiceSummary(metrics, model: times, tokenBudget: budget)
      let rate = Int(Double(summary.requests) / seconds)
      print(
        """
        \(summary.requests) requests, \(summary.totals.steps) steps, \
        \(summary.makespan.rounded(1)) s simulated in \(seconds.rounded(3)) CPU s: \
        \(rate) requests/CPU s; TTFT p50 \(summary.timeToFirstToken.median.rounded(3)) s, \
        TPOT mean \((summary.timePerToken.mean * 1e3).rounded(2)) ms, \
        E2E mean \(summary.latency.mean.rounded(3)) s, \(summary.preemptions) preemptions, \
        peak \(Self.peakMegabytes) MB
        """)
    }
  }

  private func drawn() throws -> ClientMix {
    var random = RandomSource(seed: 7)
    // Lognormal lengths with the means of the Azure conversations.
    let pairs = (0..<4096).map { index in
      var request = Request(id: index, arrival: .zero, inputLength: 1, outputLength: 1)
      request.inputLength = min(8192, 1 + Int(exp(6.6 + 0.9 * random.normal())))
      request.outputLength = min(1000, 1 + Int(exp(4.9 + 0.9 * random.normal())))
      return request
    }
    let client = ClientMix.Client(
      "all", arrivals: .poisson(rate: rate), lengths: LengthPairs(pairs))
    return try ClientMix(clients: [client], count: synthetic, seed: 1)
  }

  private func simulate(
    _ source: some RequestSource, _ times: StepTimeModel
  ) throws -> ServiceMetrics {
    var configuration = SchedulerConfiguration()
    configuration.batching = batching
    configuration.tokenBudget = budget
    configuration.maximumRunning = running
    configuration.blockCount = blocks
    let scheduler = try Scheduler(configuration, ordering: PolicyTable.ordering(policy))
    var simulation = try Simulation(
      scheduler, source: source, predictor: OraclePredictor(), model: times,
      observer: ServiceMetrics())
    simulation.skips = !stepping
    try simulation.run()
    return simulation.observer
  }

  static var cpuSeconds: Double { Double(clock()) / Double(CLOCKS_PER_SEC) }

  static var peakMegabytes: Int {
    var usage = rusage()
    #if canImport(Glibc)
      getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
      return usage.ru_maxrss >> 10
    #else
      getrusage(RUSAGE_SELF, &usage)
      return usage.ru_maxrss >> 20
    #endif
  }
}

/// A file's bytes in order.
struct FileBytes: ByteSource {
  private let file: InputFile
  private var offset = 0

  init(_ file: InputFile) { self.file = file }

  mutating func nextChunk() throws(WorkloadError) -> [UInt8]? {
    let count = min(1 << 20, file.size - offset)
    guard count > 0 else { return nil }
    var bytes = [UInt8](repeating: 0, count: count)
    var failure: ModelError?
    bytes.withUnsafeMutableBytes { buffer in
      do throws(ModelError) { try file.read(at: offset, into: buffer) } catch { failure = error }
    }
    if let failure {
      throw WorkloadError(.inputOutput, source: file.path, problem: failure.problem)
    }
    offset += count
    return bytes
  }
}

extension Batching: ExpressibleByArgument {}
