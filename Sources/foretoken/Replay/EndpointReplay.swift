import ArgumentParser
import Endpoint
import Serving
import Workload

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A server instead of the simulator.
struct EndpointReplayFlags: ParsableArguments {
  @OptionGroup var server: ServerFlags
  @Flag(help: "Send prompts as a user's turn (/chat/completions), not as a text to go on with.")
  var chat = false
  @Flag(
    help: """
      Order requests here instead of telling the server priorities: for servers that have none, or \
      take one request at a time.
      """)
  var clientOrder = false
  @Option(help: "Requests that are with the server at once. (default: any; 1 with --client-order)")
  var concurrency: Int?
  @Option(
    help: "How many predicted tokens (or what else the policy orders by) one priority stands for.")
  var priorityStep = 16.0

  func validate() throws {
    if let concurrency, !(1...100_000).contains(concurrency) {
      throw ValidationError("--concurrency takes 1 to 100000, not \(concurrency)")
    }
    guard server.endpoint == nil else { return }
    if clientOrder || chat || concurrency != nil {
      throw ValidationError("--chat, --client-order and --concurrency need --endpoint")
    }
  }
}

extension Replay {
  /// Sends the trace to a server, once for each policy.
  func replay(at url: String, _ files: RunFiles, _ table: inout ReplayTable) throws {
    StandardOutput.ignoreBrokenPipes()
    Self.allowConnections()
    Interrupt.watch()
    Interrupt.endAfterRound()
    let texts = try live.texts()
    var server = EndpointServer(
      url: url, model: model.model ?? "", headers: try endpoint.server.authorization,
      isChat: endpoint.chat, timeout: endpoint.server.timeout, retries: endpoint.server.retries,
      prompts: SyntheticPrompts(seed: seed),
      answerLimit: texts == nil ? nil : engine.maxTokens)
    let orders = try policy.map { name throws(WorkloadError) in
      (name, try PolicyTable.ordering(name), try priorities(name))
    }
    let remarks = try server.probe(
      sendsPriorities: orders.contains { $0.2 != nil }, isStopped: { Interrupt.isRequested })
    for remark in remarks { verbosity.say(remark) }
    for (name, ordering, priorities) in orders where !Interrupt.isRequested {
      let header = RunLogHeader(
        policy: name, predictor: prediction.label, clock: .wall, configuration: engine.limits(),
        model: StepTimeModel())
      let limit = endpoint.concurrency ?? (endpoint.clientOrder ? 1 : nil)
      let total = try requestCount()
      let bar = total.map { _ in ProgressBar(label: name, unit: .items("requests")) }
      var observer = files.observer(header)
      if let total { observer.progress = { bar?.update(done: $0, total: total) } }
      var run = try EndpointRun(
        server, order: endpoint.clientOrder ? ordering : FirstComeFirstServed(), limit: limit,
        priorities: priorities,
        source: PromptedRequests(base: trace.open(seed: seed), texts: texts ?? []),
        predictor: prediction.predictor(trace, texts: texts, decoding: live.decoding, seed: seed),
        observer: observer)
      defer { bar?.finish() }
      try run.run(isStopped: { Interrupt.isRequested })
      bar?.finish()
      if name == policy.first, let remarks = TraceFlags.remarks(run.source.base) {
        verbosity.say(remarks)
      }
      run.observer.trace?.end()
      try table.show(header, run.observer.metrics, endpoint: run.tally)
      tell(run.tally, name)
      if run.tally.answers == 0, !run.tally.failures.isEmpty, !Interrupt.isRequested {
        throw CommandError(Failure.temporary, "\(url.printable): answered no request")
      }
    }
    if Interrupt.isRequested {
      try files.complete()
      throw ExitCode(Interrupt.status)
    }
  }

  /// Each request under way has a connection, and systems begin with few.
  private static func allowConnections() {
    var limit = rlimit()
    #if canImport(Glibc)
      let files = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
      let files = RLIMIT_NOFILE
    #endif
    guard getrlimit(files, &limit) == 0 else { return }
    limit.rlim_cur = min(limit.rlim_max, 1 << 16)
    _ = setrlimit(files, &limit)
  }

  /// Who tells the server what; nil where all are alike, or are ordered here.
  private func priorities(_ name: String) throws(WorkloadError) -> PriorityLevels? {
    let ordering = try PolicyTable.ordering(name)
    guard !endpoint.clientOrder, !(ordering is FirstComeFirstServed) else { return nil }
    return try PriorityLevels(ordering, step: endpoint.priorityStep)
  }

  /// For the bar; nil where nobody watches it, or the trace can be read only once.
  private func requestCount() throws -> Int? {
    guard StandardError.isTerminal, !verbosity.quiet, trace.trace != "-" else { return nil }
    var source = try trace.open(seed: seed)
    var count = 0
    while try source.next() != nil { count += 1 }
    return count
  }

  /// What the table does not say.
  private func tell(_ tally: EndpointTally, _ name: String) {
    for (problem, count) in tally.failures.sorted(by: { ($0.value, $1.key) > ($1.value, $0.key) }) {
      verbosity.say("\(name): \(count) failed: \(problem.printable)")
    }
    var parts: [String] = []
    if tally.retries > 0 { parts.append("\(tally.retries) tried again") }
    if tally.otherLengths > 0 {
      parts.append("\(tally.otherLengths) of \(tally.answers) answers not as long as the trace's")
    }
    if let share = tally.promptShare, abs(share - 1) > 0.02 {
      parts.append("prompts had \((100 * share).fixed(1)) % of the trace's tokens")
    }
    if tally.longestLag > 0.05 {
      parts.append("a request was sent \(tally.longestLag.fixed(2)) s late")
    }
    if tally.overtaking.isIgnored {
      let pairs = tally.overtaking.pairs
      parts.append(
        "the server seems to ignore priorities: \(pairs.seen) of \(pairs.due) requests overtook "
          + "when they should (vLLM: --scheduling-policy priority; or --client-order)")
    }
    if !parts.isEmpty { verbosity.say("\(name): " + parts.joined(separator: "; ")) }
  }
}

/// Requests of a trace with prompts of one's own, over and over.
private struct PromptedRequests<Base: RequestSource>: RequestSource {
  private(set) var base: Base
  let texts: [String]

  mutating func next() throws(WorkloadError) -> Workload.Request? {
    guard var request = try base.next() else { return nil }
    if !texts.isEmpty { request.text = texts[request.id % texts.count] }
    return request
  }
}

/// A run against a server, in JSON.
struct EndpointResult: Encodable {
  var failures: [String: Int]
  var retries, otherLengths: Int
  var promptTokenShare: Double?
  var longestLag: Double
  var overtakesDue, overtakesSeen: Int

  init(_ tally: EndpointTally) {
    failures = tally.failures
    retries = tally.retries
    otherLengths = tally.otherLengths
    promptTokenShare = tally.promptShare
    longestLag = tally.longestLag
    (overtakesDue, overtakesSeen) = tally.overtaking.pairs
  }
}
