package import Endpoint
package import Workload

/// A trace against an OpenAI-compatible server: requests are sent at their times, whatever has become
/// of the earlier ones, and answers are streamed, so that every token's time is known. The log is of
/// the form of `Simulation`'s, with the tokens that came instead of the steps that nobody tells.
package struct EndpointRun<Source: RequestSource, Observer: SimulationObserver> {
  package private(set) var source: Source
  package private(set) var predictor: any LengthPredictor
  package private(set) var tally = EndpointTally()
  package var observer: Observer { fold.observer }

  private let server: EndpointServer
  private let priorities: PriorityLevels?
  private let limit: Int
  private var held: HeldRequests
  private var fold: RunLogFold<Observer>
  private let transfers: HTTPTransfers
  private let inbox = Inbox()
  private var upcoming: Request?
  /// Everything that has come and is not done, by `Request.id`.
  private var flights: [Int: Flight] = [:]
  /// To be sent again, and when.
  private var later: [(time: Time, flight: Flight)] = []

  /// - Parameters:
  ///   - order: who is sent first where not all may be sent.
  ///   - limit: requests that are with the server at once; nil for any number.
  ///   - priorities: what requests tell the server, if anything.
  /// - Throws: `EndpointError` where no request can be made at all.
  package init(
    _ server: EndpointServer, order: any OrderingPolicy = FirstComeFirstServed(),
    limit: Int? = nil, priorities: PriorityLevels? = nil, source: Source,
    predictor: any LengthPredictor = NoPredictor(), observer: Observer
  ) throws(EndpointError) {
    self.server = server
    self.source = source
    self.predictor = predictor
    self.priorities = priorities
    self.limit = limit ?? .max
    held = HeldRequests(order, outputLimit: 1 << 20)
    fold = RunLogFold(observer)
    transfers = try HTTPTransfers()
  }

  /// Runs until the source is empty and every request is done, or until somebody wants it to stop:
  /// then what is under way counts as taken back.
  ///
  /// - Parameter isStopped: asked ten times a second.
  /// - Throws: what the source throws, and `EndpointError` for what no request could get over.
  package mutating func run(isStopped: () -> Bool = { false }) throws {
    inbox.start = .now
    upcoming = try source.next()
    while !isStopped() {
      while let request = upcoming, request.arrival <= inbox.now {
        submit(request)
        upcoming = try source.next()
      }
      let pause = try sendReady()
      if upcoming == nil, flights.isEmpty { return }
      let ended = transfers.wait(seconds: pause)
      receive()
      for one in ended {
        guard let flight = flights[one.id] else { continue }
        settle(flight, one.result)
      }
    }
    transfers.cancelAll()
    receive()
    for (_, flight) in flights.sorted(by: { $0.key < $1.key }) {
      end(flight, .cancelled, tokens: flight.stream.pieces)
    }
  }

  private mutating func submit(_ request: Request) {
    fold.add(.arrival(request))
    let prediction = predictor.prediction(for: request)
    let slot = held.submit(request, prediction: prediction, at: request.arrival)
    let level = priorities?.level(held.state(slot), at: request.arrival)
    flights[request.id] = Flight(request, slot: slot, priority: level)
    inbox.flightBySlot[slot] = request.id
  }

  /// Sends what may be sent; returns the seconds until there may be more, a tenth at most.
  private mutating func sendReady() throws(EndpointError) -> Double {
    let now = inbox.now
    for (time, flight) in later where time <= now { try send(flight) }
    later.removeAll { $0.time <= now }
    while transfers.runningCount + later.count < limit, let slot = held.next(at: now) {
      guard let flight = inbox.flightBySlot[slot].flatMap({ flights[$0] }) else { continue }
      let sent = inbox.now
      flight.sent = sent
      if limit == .max { tally.noteLag((sent - flight.request.arrival).seconds) }
      try send(flight)
      fold.add(
        .transition(
          SchedulerEvent(time: sent, kind: .admitted, request: flight.request.id, tokens: 0)))
    }
    let next = min(upcoming?.arrival ?? .never, later.map(\.time).min() ?? .never)
    return next == .never ? 0.1 : min(0.1, max(0, (next - inbox.now).seconds))
  }

  private func send(_ flight: Flight) throws(EndpointError) {
    let request = try server.request(
      server.prompts.text(for: flight.request),
      tokens: server.answerLimit ?? flight.request.outputLength,
      priority: flight.priority, isStreamed: true)
    flight.stream = CompletionStream()
    try transfers.start(request, id: flight.request.id) { [inbox] bytes in
      let now = inbox.now
      let pieces = flight.stream.receive(bytes)
      if pieces > 0 {
        inbox.emissions.append(
          Emission(time: now, request: flight.request.id, tokens: pieces))
      }
    }
  }

  /// Tells what has come.
  private mutating func receive() {
    for emission in inbox.emissions {
      guard let flight = flights[emission.request] else { continue }
      if flight.firstPiece == nil {
        flight.firstPiece = emission.time
        fold.add(
          .transition(
            SchedulerEvent(
              time: emission.time, kind: .firstToken, request: emission.request, tokens: 1)))
      }
      flight.lastPiece = emission.time
      held.served(flight.slot, output: emission.tokens)
      fold.add(.emission(emission))
    }
    inbox.emissions.removeAll(keepingCapacity: true)
  }

  private mutating func settle(_ flight: Flight, _ result: Result<HTTPResponse, HTTPFailure>) {
    switch result {
    case .failure(let failure):
      retry(flight, failure.problem, isTemporary: !failure.isPermanent)
    case .success(let response) where (200..<300).contains(response.status):
      if let problem = flight.stream.failure {
        retry(flight, problem, isTemporary: true)
      } else if !flight.stream.isEnded {
        retry(flight, "the answer broke off", isTemporary: true)
      } else if let last = flight.lastPiece {
        finish(flight, at: last)
      } else {
        retry(flight, "the answer is empty", isTemporary: false)
      }
    case .success(let response):
      let message = flight.stream.errorMessage
      retry(
        flight, "status \(response.status)" + (message.isEmpty ? "" : ": \(message)"),
        isTemporary: RetryPolicy.isTemporary(status: response.status), after: response.retryAfter)
    }
  }

  /// Sends a request again that got nothing, as long as there are tries; or counts its failure.
  private mutating func retry(
    _ flight: Flight, _ problem: String, isTemporary: Bool, after: Double = 0
  ) {
    flight.failures += 1
    guard isTemporary, flight.firstPiece == nil, flight.failures < server.retries.attempts else {
      tally.noteFailure(problem)
      let isBroken = flight.firstPiece != nil
      return end(flight, isBroken ? .cancelled : .rejected, tokens: flight.stream.pieces)
    }
    tally.retries += 1
    let delay = server.retries.delay(
      failures: flight.failures, retryAfter: after, chance: Double.random(in: 0..<1))
    later.append((inbox.now + Time(seconds: delay), flight))
  }

  private mutating func finish(_ flight: Flight, at last: Time) {
    let tokens = max(1, flight.stream.answerTokens ?? flight.stream.pieces)
    tally.noteAnswer(
      flight.request, promptTokens: flight.stream.promptTokens,
      answerTokens: server.answerLimit == nil ? tokens : nil)
    if let priority = flight.priority, let first = flight.firstPiece {
      tally.overtaking.add(priority: priority, sent: flight.sent, first: first)
    }
    var answered = flight.request
    answered.outputLength = tokens
    predictor.finished(answered)
    end(flight, .finished, tokens: tokens, at: last)
  }

  private mutating func end(
    _ flight: Flight, _ kind: SchedulerEvent.Kind, tokens: Int, at time: Time? = nil
  ) {
    tally.done += 1
    held.depart(flight.slot)
    flights[flight.request.id] = nil
    fold.add(
      .transition(
        SchedulerEvent(
          time: time ?? inbox.now, kind: kind, request: flight.request.id, tokens: tokens)))
  }
}

/// A request from its arrival to its end.
private final class Flight {
  let request: Request
  let slot: Int
  let priority: Int?
  var stream = CompletionStream()
  var failures = 0
  var sent = Time.never
  var firstPiece: Time?
  var lastPiece: Time?

  init(_ request: Request, slot: Int, priority: Int?) {
    self.request = request
    self.slot = slot
    self.priority = priority
  }
}

/// What transfers say while they are waited for, and the clock that they say it by.
private final class Inbox {
  var start = ContinuousClock.now
  var emissions: [Emission] = []
  /// Who has a slot of those that are held.
  var flightBySlot: [Int: Int] = [:]

  var now: Time { Time(ContinuousClock.now - start) }
}
