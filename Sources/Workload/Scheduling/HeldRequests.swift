/// Requests that a client holds back from a server, the most urgent first by a policy: how a server
/// that takes one request at a time, or knows no priorities, gets them in a better order.
///
/// Requests that are with the server stay there: what a policy would displace goes on.
package struct HeldRequests: Sendable {
  private var ordering: any OrderingPolicy
  private let outputLimit: Int
  private var states: [RequestState] = []
  private var freeSlots: [Int] = []
  private var waiting = WaitingQueue()

  /// - Parameter outputLimit: the answer's limit for requests that name none.
  package init(_ ordering: any OrderingPolicy, outputLimit: Int) {
    self.ordering = ordering
    self.outputLimit = outputLimit
  }

  package var count: Int { waiting.count }

  /// A request has come.
  ///
  /// - Returns: its slot, which names it until it has departed.
  package mutating func submit(
    _ request: Request, prediction: LengthPrediction?, at now: Time
  ) -> Int {
    let state = RequestState(request, outputLimit: outputLimit, prediction: prediction, at: now)
    let slot = freeSlots.popLast() ?? states.count
    if slot < states.count { states[slot] = state } else { states.append(state) }
    if ordering.accountsService { ordering.submitted(state) }
    enqueue(slot, at: now)
    return slot
  }

  package func state(_ slot: Int) -> RequestState { states[slot] }

  /// Takes out the request that is to be sent next.
  package mutating func next(at now: Time) -> Int? {
    while let slot = waiting.nextExpired(at: now) { enqueue(slot, at: now) }
    let (states, ordering) = (states, ordering)
    guard let first = waiting.first(key: { ordering.key(of: states[$0], at: now) }) else {
      return nil
    }
    waiting.remove(slot: first.slot)
    self.states[first.slot].isRunning = true
    self.states[first.slot].runningSince = now
    if ordering.accountsService {
      self.ordering.served(
        self.states[first.slot], input: states[first.slot].inputLength, output: 0)
    }
    return first.slot
  }

  /// Tokens of its answer came.
  package mutating func served(_ slot: Int, output: Int) {
    states[slot].generated += output
    if ordering.accountsService { ordering.served(states[slot], input: 0, output: output) }
  }

  /// It is done, whichever way.
  package mutating func depart(_ slot: Int) {
    if ordering.accountsService { ordering.departed(states[slot]) }
    freeSlots.append(slot)
  }

  private mutating func enqueue(_ slot: Int, at now: Time) {
    let state = states[slot]
    waiting.insert(
      WaitingQueue.Entry(
        key: ordering.key(of: state, at: now), arrival: state.arrival, id: state.id, slot: slot,
        lane: ordering.keyIsClients ? state.client : nil),
      holds: ordering.keyHolds(of: state, at: now))
  }
}

/// A policy's order as the whole numbers that servers take for a request's priority (vLLM's
/// `priority`: lower is sooner, ties by arrival), given once, when the request is sent.
package struct PriorityLevels: Sendable {
  private let ordering: any OrderingPolicy
  /// How much of a key one level is: predictions are too coarse for every token to count.
  private let step: Double

  /// - Throws: `.invalidSetting` for a policy whose order changes while requests wait, and for a
  ///   step that is no positive number.
  package init(_ ordering: any OrderingPolicy, step: Double) throws(WorkloadError) {
    guard !ordering.keyIsClients, !ordering.accountsService, !(ordering is SkipJoinQueues) else {
      throw WorkloadError(
        .invalidSetting, source: "--policy",
        problem: "the order of '\(ordering.name)' changes while requests wait, "
          + "a priority is given once",
        advice: "order here with --client-order")
    }
    guard step > 0, step.isFinite else {
      throw WorkloadError(
        .invalidSetting, source: "--priority-step", problem: "expected a number above 0")
    }
    self.ordering = ordering
    self.step = step
  }

  /// The request's level; one of which nothing is predicted goes last. A policy that ages
  /// requests has their arrival in its key, which needs no renewing.
  package func level(_ request: RequestState, at now: Time) -> Int {
    let level = (ordering.key(of: request, at: now) / step).rounded()
    let most = Double(Int32.max)
    return level.isNaN ? Int(Int32.max) : Int(min(max(level, -most), most))
  }
}
