import Endpoint
import Support
import Synchronization
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

@Suite struct RequestQueueTests {
  private func queue(_ change: (inout RequestQueue.Settings) -> Void = { _ in }) throws
    -> RequestQueue
  {
    var settings = RequestQueue.Settings()
    settings.retries.firstDelay = 0.01
    settings.retries.longestDelay = 0.05
    settings.retries.attempts = 5
    change(&settings)
    return try RequestQueue(settings)
  }

  private func request(_ server: LoopbackServer, _ body: String = "{}") -> HTTPRequest {
    HTTPRequest(
      url: "http://127.0.0.1:\(server.port)/v1/completions", headers: ["Authorization: Bearer key"],
      body: Array(body.utf8), timeout: 10)
  }

  /// All answers of a queue, as texts by the requests' names.
  private func answers(_ queue: RequestQueue) throws -> [Int: String] {
    var answers: [Int: String] = [:]
    while let one = try queue.next(
      isStopped: { false },
      decode: { response throws(EndpointError) in
        let text = String(decoding: response.body, as: UTF8.self)
        if text == "nonsense" { throw EndpointError(.unavailable, url: "", problem: text) }
        return text
      })
    {
      #expect(answers.updateValue(one.value, forKey: one.id) == nil)
    }
    return answers
  }

  @Test func `Whatever a server does for a while, each request gets one good answer`() throws {
    let server = try LoopbackServer { request in
      switch request.number % 6 {
      case 0: .respond(status: 429, body: "{\"error\": {\"message\": \"slow\"}}")
      case 1: .respond(status: 500, body: "oops")
      case 2: .breakOff(body: "{", missing: 10)
      case 3: .hangUp
      case 4: .respond(status: 200, body: "nonsense")
      default: .respond(status: 200, body: request.body)
      }
    }
    defer { server.stop() }
    let queue = try queue { $0.retries.attempts = 100 }
    for id in 0..<12 { queue.add(request(server, "\(id)"), id: id) }
    let expected = Dictionary(uniqueKeysWithValues: (0..<12).map { ($0, "\($0)") })
    #expect(try answers(queue) == expected)
    #expect(queue.retryCount == server.requestCount - 12)
  }

  @Test func `Nobody is asked before the time that a busy server names`() throws {
    let begin = ContinuousClock.now
    let times = Mutex<[Double]>([])
    let server = try LoopbackServer { request in
      times.withLock { $0.append((ContinuousClock.now - begin) / .seconds(1)) }
      return request.number == 0
        ? .respond(status: 429, headers: ["Retry-After: 1"], body: "")
        : .respond(status: 200, body: "good")
    }
    defer { server.stop() }
    let queue = try queue { $0.concurrency = 1 }
    for id in 0..<3 { queue.add(request(server), id: id) }
    #expect(try answers(queue).count == 3)
    let seen = times.withLock { $0 }
    #expect(seen.count == 4)
    #expect(seen[1] - seen[0] >= 0.99)
  }

  @Test func `A server that restarts is waited for`() throws {
    let first = try LoopbackServer { _ in .hangUp }
    let port = first.port
    first.stop()
    let queue = try queue { $0.retries.attempts = 50 }
    queue.add(request(first), id: 7)
    let restarted = Mutex<LoopbackServer?>(nil)
    defer { restarted.withLock { $0?.stop() } }
    var asked = 0
    let one = try queue.next(
      isStopped: {
        asked += 1
        // The port may take a moment until it is free.
        if asked > 3 {
          restarted.withLock { server in
            if server == nil {
              server = try? LoopbackServer(port: port) { _ in .respond(status: 200, body: "up") }
            }
          }
        }
        return false
      }, decode: { response throws(EndpointError) in response.status })
    #expect(one?.id == 7 && one?.value == 200)
    #expect(queue.retryCount > 0)
  }

  @Test func `What no further try can help is said at once, with the server's words`() throws {
    for (status, code) in [(400, EndpointError.Code.rejected), (401, .forbidden)] {
      let server = try LoopbackServer { _ in
        .respond(status: status, body: "{\"error\": {\"message\": \"no such\\nmodel\"}}")
      }
      defer { server.stop() }
      let queue = try queue()
      queue.add(request(server), id: 0)
      let error = #expect(throws: EndpointError.self) { try answers(queue) }
      #expect(error?.code == code)
      #expect(error?.description.contains("status \(status): no such model") == true)
      #expect(server.requestCount == 1)
    }
    let queue = try queue()
    queue.add(HTTPRequest(url: "ftp://127.0.0.1/x", body: [], timeout: 1), id: 0)
    #expect(throws: EndpointError.self) { try answers(queue) }
  }

  @Test func `Tries have an end, and so has waiting for an answer`() throws {
    let server = try LoopbackServer { _ in .respond(status: 503, body: "") }
    defer { server.stop() }
    let tries = try queue { $0.retries.attempts = 3 }
    tries.add(request(server), id: 0)
    #expect(throws: EndpointError.self) { try answers(tries) }
    #expect(server.requestCount == 3)

    let slow = try LoopbackServer { _ in
      usleep(400_000)
      return .respond(status: 200, body: "")
    }
    defer { slow.stop() }
    let late = try queue { $0.retries.attempts = 1 }
    var patient = request(slow)
    patient.timeout = 0.1
    late.add(patient, id: 0)
    let error = #expect(throws: EndpointError.self) { try answers(late) }
    #expect(error?.code == .unavailable)
  }

  @Test func `No more requests start than the rate and the number at once allow`() throws {
    let running = Mutex((now: 0, most: 0))
    let server = try LoopbackServer { _ in
      running.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
      usleep(20_000)
      running.withLock { $0.now -= 1 }
      return .respond(status: 200, body: "")
    }
    defer { server.stop() }
    let wide = try queue { $0.concurrency = 3 }
    for id in 0..<9 { wide.add(request(server), id: id) }
    #expect(try answers(wide).count == 9)
    #expect(running.withLock { $0.most } <= 3)

    let limited = try queue { $0.rate = 20 }
    for id in 0..<5 { limited.add(request(server), id: id) }
    let begin = ContinuousClock.now
    #expect(try answers(limited).count == 5)
    #expect(ContinuousClock.now - begin >= .milliseconds(195))
  }
}
