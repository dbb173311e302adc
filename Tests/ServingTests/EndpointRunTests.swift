import Endpoint
import Support
import Synchronization
import Testing
import Workload

@testable import Serving

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

@Suite struct EndpointRunTests {
  private static func requests(_ count: Int, every gap: Double = 2) -> [Workload.Request] {
    (0..<count).map { id in
      Request(
        id: id, arrival: Time(milliseconds: gap * Double(id)), inputLength: 5 + id % 7,
        outputLength: 2 + id * 5 % 11)
    }
  }

  private static func server(
    _ loopback: LoopbackServer, attempts: Int = 3
  ) -> EndpointServer {
    var retries = RetryPolicy()
    (retries.attempts, retries.firstDelay) = (attempts, 0.002)
    return EndpointServer(
      url: "http://127.0.0.1:\(loopback.port)/v1", model: "m", timeout: 20, retries: retries)
  }

  private static func run(
    _ server: EndpointServer, _ requests: [Workload.Request],
    order: any OrderingPolicy = FirstComeFirstServed(), limit: Int? = nil,
    priorities: PriorityLevels? = nil
  ) throws -> (ServiceMetrics, EventLog, EndpointTally) {
    var run = try EndpointRun(
      server, order: order, limit: limit, priorities: priorities, source: ListedRequests(requests),
      predictor: OraclePredictor(), observer: Both(ServiceMetrics(), EventLog()))
    try run.run()
    return (run.observer.first, run.observer.second, run.tally)
  }

  @Test func `Every token of every answer is timed, and prompts have the trace's tokens`() throws {
    let loopback = try LoopbackServer {
      CompletionServer.answer(.init($0.body), pause: 2000)
    }
    defer { loopback.stop() }
    var server = Self.server(loopback)
    let remarks = try server.probe(sendsPriorities: false, isStopped: { false })
    #expect(remarks.isEmpty)
    #expect(server.prompts.perWord == 2 && server.prompts.base == 3)
    let requests = Self.requests(30)
    let (metrics, _, tally) = try Self.run(server, requests)
    #expect(metrics.records.allSatisfy { $0.ending == .finished })
    #expect(metrics.records.map { Int($0.outputLength) } == requests.map(\.outputLength))
    #expect(tally.answers == 30 && tally.failures.isEmpty && tally.otherLengths == 0)
    // Whole words of two tokens, three tokens beside them: within a token of what is wanted.
    let share = try #require(tally.promptShare)
    #expect(abs(share - 1) < 0.1)
    for record in metrics.records {
      #expect(record.arrival <= record.admitted && record.admitted < record.firstToken)
      // The server's pauses between tokens all lie between the arrival and the last token; how they
      // are shared among tokens depends on what else the machine does.
      #expect(record.latency >= 0.002 * Double(record.outputLength - 1))
    }
    // Pieces that came together have no time between them.
    let gaps = requests.reduce(0) { $0 + $1.outputLength - 1 }
    #expect(metrics.gaps.total <= gaps && metrics.gaps.total > 0)
  }

  @Test func `What fails is counted by its name, and nothing is lost`() throws {
    let loopback = try LoopbackServer { request in
      let wish = CompletionServer.Wish(request.body)
      // By length, so that a request fails whenever it is tried.
      switch wish.tokens {
      case 2: return .respond(status: 400, body: "{\"error\": {\"message\": \"too\\nlong\"}}")
      case 7: return .hangUp
      case 12: return .breakOff(body: "data: {\"choices\": [{\"text\": \"a\"}]}\n\n", missing: 99)
      case 6:
        return CompletionServer.answer(
          .init(request.body.replacing("\"max_tokens\":6", with: "\"max_tokens\":3")),
          ending: "data: {\"error\": {\"message\": \"out of memory\"}}\n\n")
      case 11: return .respond(status: 200, body: "data: [DONE]\n\n")
      case 5: return .respond(status: 429, headers: ["Retry-After: 0"], body: "")
      default: return CompletionServer.answer(wish)
      }
    }
    defer { loopback.stop() }
    let requests = Self.requests(33)
    let (metrics, log, tally) = try Self.run(Self.server(loopback), requests)
    for (record, request) in zip(metrics.records, requests) {
      switch request.outputLength {
      case 2, 5, 7, 11: #expect(record.ending == .rejected)
      case 6, 12: #expect(record.ending == .cancelled && record.outputLength >= 1)
      default: #expect(record.ending == .finished)
      }
    }
    #expect(tally.done == 33 && tally.answers == 15)
    #expect(tally.failures["status 400: too long"] == 3 && tally.failures["status 429"] == 3)
    #expect(tally.failures["out of memory"] == 3 && tally.failures["the answer is empty"] == 3)
    #expect(tally.failures.count == 6 && tally.failures.values.reduce(0, +) == 18)
    // What got nothing is tried three times.
    #expect(tally.retries == 2 * 6)
    let ends = log.events.count { [.finished, .rejected, .cancelled].contains($0.kind) }
    #expect(ends == 33)
  }

  @Test func `A busy server is asked again and answers all`() throws {
    let loopback = try LoopbackServer { request in
      request.number % 3 == 0
        ? .respond(status: 503, body: "") : CompletionServer.answer(.init(request.body))
    }
    defer { loopback.stop() }
    let (metrics, _, tally) = try Self.run(Self.server(loopback, attempts: 50), Self.requests(30))
    #expect(metrics.finished.count == 30 && tally.retries > 5 && tally.failures.isEmpty)
  }

  /// A server that serves one at a time, by its clients' priorities or by arrival.
  private static func oneAtATime(byPriority: Bool) throws -> LoopbackServer {
    let turns = CompletionServer.Turns()
    return try LoopbackServer { request in
      let wish = CompletionServer.Wish(request.body)
      turns.wait(rank: (byPriority ? (wish.priority ?? 0) << 20 : 0) + request.number)
      defer { turns.end() }
      usleep(3000)
      return CompletionServer.answer(wish)
    }
  }

  @Test(
    "Priorities change a server's order, or it is said that they do not", arguments: [true, false])
  func priorities(_ areFollowed: Bool) throws {
    let loopback = try Self.oneAtATime(byPriority: areFollowed)
    defer { loopback.stop() }
    let (metrics, _, tally) = try Self.run(
      Self.server(loopback), Self.requests(30, every: 0.2),
      priorities: PriorityLevels(ShortestJobFirst(), step: 1))
    #expect(metrics.finished.count == 30)
    let (due, seen) = tally.overtaking.pairs
    #expect(due > 50)
    #expect(tally.overtaking.isIgnored == !areFollowed, "\(seen) of \(due)")
  }

  @Test func `A server that takes one at a time gets the shortest first`() throws {
    let order = Mutex<[Int]>([])
    let loopback = try LoopbackServer { request in
      let wish = CompletionServer.Wish(request.body)
      order.withLock { $0.append(wish.tokens) }
      usleep(5000)
      return CompletionServer.answer(wish)
    }
    defer { loopback.stop() }
    let requests = Self.requests(20, every: 0)
    let (metrics, _, _) = try Self.run(
      Self.server(loopback), requests, order: ShortestJobFirst(), limit: 1)
    #expect(metrics.finished.count == 20)
    let seen = order.withLock { $0 }
    // All come before the first is sent.
    #expect(seen == seen.sorted() && seen.count == 20)
  }

  @Test("Every policy sends every request, once", arguments: PolicyTable.orderings.map(\.name))
  func policies(_ name: String) throws {
    let loopback = try LoopbackServer { CompletionServer.answer(.init($0.body)) }
    defer { loopback.stop() }
    var requests = Self.requests(16, every: 0.1)
    for index in requests.indices { requests[index].client = index % 3 }
    let (metrics, _, tally) = try Self.run(
      Self.server(loopback), requests, order: PolicyTable.ordering(name), limit: 2)
    #expect(metrics.finished.count == 16 && loopback.requestCount == 16 && tally.done == 16)
  }

  @Test func `Stopped, it keeps what it has and says what was under way`() throws {
    let loopback = try LoopbackServer {
      CompletionServer.answer(.init($0.body), pause: 20_000)
    }
    defer { loopback.stop() }
    var requests = Self.requests(6, every: 1)
    for index in requests.indices { requests[index].outputLength = index < 3 ? 1 : 2000 }
    var run = try EndpointRun(
      Self.server(loopback), source: ListedRequests(requests), observer: ServiceMetrics())
    let begin = ContinuousClock.now
    try run.run(isStopped: { ContinuousClock.now - begin > .milliseconds(400) })
    let endings = run.observer.records.map(\.ending)
    #expect(endings == [.finished, .finished, .finished, .cancelled, .cancelled, .cancelled])
    #expect(run.observer.records[5].outputLength > 2)
  }

  @Test func `The probe finds out what a server refuses`() throws {
    func probed(_ refused: [String]) throws -> Result<[String], EndpointError> {
      let loopback = try LoopbackServer { request in
        if let field = refused.first(where: { request.body.contains("\"\($0)\"") }) {
          return .respond(status: 400, body: "{\"message\": \"no \(field)\"}")
        }
        return CompletionServer.answer(.init(request.body))
      }
      defer { loopback.stop() }
      var server = Self.server(loopback)
      return Result { () throws(EndpointError) in
        try server.probe(sendsPriorities: true, isStopped: { false })
      }
    }
    #expect(try probed([]) == .success([]))
    guard case .success(let remarks) = try probed(["ignore_eos"]) else {
      Issue.record("refusing ignore_eos is no failure")
      return
    }
    #expect(remarks.count == 1 && remarks[0].contains("ignore_eos"))
    guard case .failure(let error) = try probed(["priority"]) else {
      Issue.record("priorities were refused")
      return
    }
    #expect(error.problem.contains("priorities") && error.problem.contains("no priority"))
    guard case .failure(let error) = try probed(["model"]) else {
      Issue.record("the model was refused")
      return
    }
    #expect(error.code == .rejected && error.problem.contains("no model"))
  }

  @Test func `Prompts that share blocks in the trace share text`() {
    var prompts = SyntheticPrompts(seed: 3)
    let isTaken = prompts.calibrate(short: (16, 20), long: (256, 380))
    let isNonsenseTaken = prompts.calibrate(short: (16, 20), long: (256, 20))
    #expect(isTaken && !isNonsenseTaken)
    let calibrated = prompts
    func text(_ id: Int, _ hashes: [UInt64], _ length: Int) -> [Substring] {
      var request = Request(id: id, arrival: .zero, inputLength: length, outputLength: 1)
      (request.prefixHashes, request.prefixBlockSize) = (hashes, 64)
      return calibrated.text(for: request).split(separator: " ")
    }
    let (first, second) = (text(0, [5, 6, 7], 150), text(1, [5, 6, 8], 170))
    #expect(first.count == 103 && second.count == 116)
    // 128 tokens are 88 words.
    #expect(first[..<88] == second[..<88] && first[88..<100] != second[88..<100])
    #expect(text(0, [5, 6, 7], 150) == first && text(2, [], 150) != first)
  }

  @Test func `A level stands for a step of the key, and what is unknown goes last`() throws {
    let levels = try PriorityLevels(AgedShortestJob(tokensPerSecond: 20), step: 10)
    func level(_ length: Int?, at seconds: Double) -> Int {
      let request = Request(
        id: 0, arrival: Time(seconds: seconds), inputLength: 1, outputLength: 1)
      return levels.level(
        RequestState(
          request, outputLimit: 9, prediction: length.map { LengthPrediction(exactly: $0) },
          at: request.arrival), at: request.arrival)
    }
    #expect(level(101, at: 0) == 10 && level(99, at: 0) == 10 && level(10, at: 0) == 1)
    // A second of waiting is worth 20 tokens.
    #expect(level(80, at: 1) == level(100, at: 0))
    #expect(level(nil, at: 0) > level(5000, at: 0))
    #expect(throws: WorkloadError.self) { try PriorityLevels(FairShare(), step: 1) }
    #expect(throws: WorkloadError.self) { try PriorityLevels(ShortestJobFirst(), step: 0) }
  }
}
