import ArgumentParser
import FoundationEssentials
import Transformer
import Workload

/// The simulator against real runs of vLLM whose request logs are at hand.
struct TruthBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "truth",
    abstract: "Replays real vLLM runs: step times fitted on one half, errors on the other.")

  @Argument(help: "Folders of runs, each with requests.jsonl and meta.json.")
  var folders: [String]
  @Option(help: "Blocks of the cache where meta.json does not say.")
  var blocks = 40_000
  @Option(parsing: .upToNextOption, help: "Numbers of tokens at which the step time may bend.")
  var knees: [Int] = [64, 256]
  @Flag(inversion: .prefixedNo, help: "Plan a step while the one before it runs.")
  var pipelined = true
  @Option(help: "Rounds of replay and regression.")
  var rounds = 14

  @Option(help: "How a run is halved: alternate requests, or early and late ones (time).")
  var split = Split.alternate

  enum Split: String, ExpressibleByArgument, CaseIterable {
    case alternate, time
  }

  private func isFitted(_ index: Int, _ half: Int, _ count: Int) -> Bool {
    switch split {
    case .alternate: index % 2 == half
    case .time: (index < count / 2) == (half == 0)
    }
  }

  struct Meta: Decodable {
    struct Engine: Decodable {
      var max_num_seqs: Int
      var max_num_batched_tokens: Int
      var data_parallel_size: Int
      var enable_expert_parallel: Bool
    }
    struct Cache: Decodable {
      var num_gpu_blocks: Int
      var enable_prefix_caching: Bool
    }
    var engine_kwargs: Engine
    var kv_cache: Cache?
  }

  func run() throws {
    for folder in folders {
      let decoder = JSONDecoder()
      let meta = try decoder.decode(Meta.self, from: Self.data(folder + "/meta.json"))
      let path = folder + "/requests.jsonl"
      let log = try RequestLog(BytesInMemory(Array(Self.data(path))), name: path)
      var configuration = SchedulerConfiguration()
      configuration.isPipelined = pipelined
      configuration.maximumRunning = meta.engine_kwargs.max_num_seqs
      configuration.tokenBudget = meta.engine_kwargs.max_num_batched_tokens
      configuration.blockCount = (meta.kv_cache?.num_gpu_blocks ?? blocks) - 1
      // vLLM's default; who was preempted finds what is left of its text.
      configuration.cachesPrefixes = meta.kv_cache?.enable_prefix_caching ?? true
      print("\n\(folder)")
      var replicas = meta.engine_kwargs.data_parallel_size
      if replicas > 1, meta.engine_kwargs.enable_expert_parallel {
        // Every layer's experts are on all of them, so that they take their steps together: like one
        // engine with the limits of all.
        configuration.maximumRunning *= replicas
        configuration.tokenBudget *= replicas
        configuration.blockCount *= replicas
        replicas = 1
      }
      try score(log.observations, configuration, replicas: replicas)
      if let peer = try? Self.data(folder + "/llmservingsim_summary.txt") {
        print("  LLMServingSim, fitted by profiling, scored on all requests")
        for line in String(decoding: peer, as: UTF8.self).split(separator: "\n")
        where ["Mean", "Median", "P90", "P99"].contains(where: line.contains) {
          print("    \(line)")
        }
      }
    }
  }

  static func data(_ path: String) throws -> Data {
    let file = try InputFile(path: path)
    var bytes = [UInt8](repeating: 0, count: file.size)
    try bytes.withUnsafeMutableBytes { try file.read(at: 0, into: $0) }
    return Data(bytes)
  }

  private func score(
    _ log: [RequestLogFit.Observation], _ configuration: SchedulerConfiguration, replicas: Int
  ) throws {
    let parts = (0..<replicas).map { part in
      log.filter { $0.request.id % replicas == part }.enumerated().map { index, observed in
        var observed = observed
        observed.request.id = index
        return observed
      }
    }
    for half in 0..<2 {
      var (logged, replayed): ([RequestRecord], [RequestRecord]) = ([], [])
      var preemptions = 0
      for log in parts {
        let fit = try RequestLogFit(
          log, isFitted: { self.isFitted($0, half, log.count) }, configuration: configuration,
          start: RequestLog.start, knees: knees, rounds: rounds)
        let model = fit.model
        print(
          "  half \(half): step \((model.overhead.milliseconds).rounded(2)) ms"
            + " + \((model.prefillToken.milliseconds * 1e3).rounded(2)) us/prefill token"
            + " + \((model.prefillContext.milliseconds * 1e6).rounded(3)) ns/its context"
            + " + \((model.decode.milliseconds * 1e3).rounded(2)) us/decode"
            + " + \((model.decodeContext.milliseconds * 1e6).rounded(2)) ns/its context"
            + " knees \(model.knees.map { "\($0.tokens): \(($0.slope.milliseconds * 1e3).rounded(2))" })"
            + " ratios \(fit.convergence.suffix(3).map { $0.rounded(4) })")
        var simulation = try Simulation(
          Scheduler(configuration), source: ListedRequests(log.map(\.request)), model: model,
          observer: ServiceMetrics())
        try simulation.run()
        let records = simulation.observer.records
        preemptions += records.reduce(0) { $0 + Int($1.preemptions) }
        for (index, observed) in log.enumerated() where !isFitted(index, half, log.count) {
          var record = RequestRecord(observed.request)
          record.firstToken = observed.firstToken
          record.end = observed.lastToken
          logged.append(record)
          replayed.append(records[index])
        }
      }
      print("  scored on the other half, \(logged.count) requests; \(preemptions) preemptions")
      compare("TTFT s", logged, replayed, \.timeToFirstToken)
      compare("TPOT ms", logged, replayed) { $0.timePerToken * 1e3 }
      compare("E2E s", logged, replayed, \.latency)
    }
  }

  private func compare(
    _ name: String, _ logged: [RequestRecord], _ replayed: [RequestRecord],
    _ measure: (RequestRecord) -> Double
  ) {
    let real = Percentiles(logged.map(measure).filter { !$0.isNaN })
    let ours = Percentiles(replayed.map(measure).filter { !$0.isNaN })
    func error(_ real: Double, _ ours: Double) -> String {
      "\(real.rounded(3)) -> \(ours.rounded(3)) (\(((ours / real - 1) * 100).rounded(1)) %)"
    }
    print(
      "    \(name): mean \(error(real.mean, ours.mean)), p50 \(error(real.median, ours.median)), "
        + "p90 \(error(real[0.9], ours[0.9])), p99 \(error(real[0.99], ours[0.99]))")
  }
}
