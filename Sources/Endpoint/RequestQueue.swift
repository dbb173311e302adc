/// Requests to an endpoint until each has its answer: so many at once, so many a second, tried again
/// while the endpoint is busy, restarts, breaks off or answers nonsense.
///
/// Nothing runs but inside `next`. A 429 or 503 that names a time holds all requests back until
/// then: limits are those of a key, not of a request.
package final class RequestQueue {
  package struct Settings: Sendable {
    /// Requests on their way at once.
    package var concurrency = 8
    /// Requests a second, at most.
    package var rate: Double?
    package var retries = RetryPolicy()

    package init() {}
  }

  private struct Pending {
    var id: Int
    var request: HTTPRequest
    var failures = 0
    /// On the queue's own clock.
    var readyAt = 0.0
  }

  private let settings: Settings
  private let transfers: HTTPTransfers
  private var limit: RateLimit
  private var pending: [Pending] = []
  private var running: [Int: Pending] = [:]
  private var pausedUntil = 0.0
  private let begin = ContinuousClock.now
  private var random = SystemRandomNumberGenerator()
  /// Tries that failed and were followed by another.
  package private(set) var retryCount = 0

  /// - Throws: `invalidSetting` where no request can be made at all.
  package init(_ settings: Settings) throws(EndpointError) {
    self.settings = settings
    transfers = try HTTPTransfers()
    limit = RateLimit(rate: settings.rate)
  }

  /// - Parameter id: not in use by another request; lower ones are sent first.
  package func add(_ request: HTTPRequest, id: Int) {
    pending.append(Pending(id: id, request: request))
  }

  private var now: Double { (ContinuousClock.now - begin) / .seconds(1) }

  /// The next request that got a good answer; nil when there is none left, or it is to stop.
  ///
  /// - Parameters:
  ///   - isStopped: asked ten times a second.
  ///   - decode: makes the value of an answer with a status of 200 to 299. An error with the code
  ///     `unavailable` means that the same request may get a better one.
  /// - Throws: `EndpointError` for a request that no further try can help, or that had them all.
  package func next<Value>(
    isStopped: () -> Bool, decode: (HTTPResponse) throws(EndpointError) -> Value
  ) throws(EndpointError) -> (id: Int, value: Value, response: HTTPResponse)? {
    while !isStopped() {
      let sleep = try startReady()
      if pending.isEmpty, running.isEmpty, ended.isEmpty { return nil }
      if ended.isEmpty { ended = transfers.wait(seconds: min(sleep, 0.1))[...] }
      while let one = ended.popFirst() {
        guard let sent = running.removeValue(forKey: one.id) else { continue }
        if let (value, response) = try judge(one.result, sent, decode) {
          return (one.id, value, response)
        }
      }
    }
    transfers.cancelAll()
    return nil
  }

  /// Ends that nobody has asked for yet.
  private var ended: ArraySlice<HTTPTransfers.Finished> = []

  /// Starts what may start; returns the seconds until something else may.
  private func startReady() throws(EndpointError) -> Double {
    while true {
      let now = now
      guard running.count < settings.concurrency, !pending.isEmpty else { return 1 }
      let held = max(pausedUntil - now, limit.wait(at: now))
      if held > 0 { return held }
      let ready = pending.indices.filter { pending[$0].readyAt <= now }
      guard let first = ready.min(by: { pending[$0].id < pending[$1].id }) else {
        return (pending.map(\.readyAt).min() ?? now) - now
      }
      let next = pending.remove(at: first)
      try transfers.start(next.request, id: next.id)
      limit.start(at: now)
      running[next.id] = next
    }
  }

  private func judge<Value>(
    _ result: Result<HTTPResponse, HTTPFailure>, _ sent: Pending,
    _ decode: (HTTPResponse) throws(EndpointError) -> Value
  ) throws(EndpointError) -> (Value, HTTPResponse)? {
    let url = sent.request.url
    switch result {
    case .failure(let failure):
      if failure.isPermanent {
        throw EndpointError(.rejected, url: url, problem: failure.problem)
      }
      try retry(sent, failure.problem, after: 0)
    case .success(let response) where (200..<300).contains(response.status):
      do throws(EndpointError) {
        return (try decode(response), response)
      } catch {
        guard error.code == .unavailable else { throw error }
        try retry(sent, error.problem, after: 0)
      }
    case .success(let response):
      let problem = "status \(response.status)\(Self.message(response.body))"
      guard RetryPolicy.isTemporary(status: response.status) else {
        let isForbidden = response.status == 401 || response.status == 403
        throw EndpointError(
          isForbidden ? .forbidden : .rejected, url: url, problem: problem,
          advice: isForbidden ? "put the right key into the environment" : nil)
      }
      if response.retryAfter > 0, response.status == 429 || response.status == 503 {
        let asked = min(response.retryAfter, settings.retries.longestRetryAfter)
        pausedUntil = max(pausedUntil, now + asked)
      }
      try retry(sent, problem, after: response.retryAfter)
    }
    return nil
  }

  private func retry(
    _ sent: Pending, _ problem: String, after retryAfter: Double
  ) throws(EndpointError) {
    var again = sent
    again.failures += 1
    guard again.failures < settings.retries.attempts else {
      throw EndpointError(
        .unavailable, url: sent.request.url,
        problem: "no answer in \(again.failures) tries, the last one: \(problem)")
    }
    let delay = settings.retries.delay(
      failures: again.failures, retryAfter: retryAfter,
      chance: Double.random(in: 0..<1, using: &random))
    again.readyAt = now + delay
    retryCount += 1
    pending.append(again)
  }

  /// What a body says of the error, short enough for a line.
  private static func message(_ body: [UInt8]) -> String {
    let line = ErrorBody.line(of: body)
    return line.isEmpty ? "" : ": \(line)"
  }
}
