/// Continuous batching as a pure state machine: requests, steps and times go in, plans and events
/// come out. It owns no clock, no model and no thread, so that the simulator and the live engine
/// drive the same value.
///
/// A driver repeats: `submit` what has come, `schedule` the next step, run it, `complete` it.
/// With `Batching.continuous`, `FirstComeFirstServed` and `OnDemand` the decisions are those of
/// vLLM V1 (0.19): running requests first, in order, each wanting what is known and not computed,
/// out of one token budget, preempting from the tail until its blocks fit; then waiting ones from
/// the head until one does not fit, and none of them in a step that preempted.
package struct Scheduler: Sendable {
  package let configuration: SchedulerConfiguration
  package internal(set) var ordering: any OrderingPolicy
  package internal(set) var admission: any AdmissionPolicy
  /// Transitions since the driver last took them, in order of time.
  package var events: [SchedulerEvent] = []
  package internal(set) var pool: BlockPool
  /// What the blocks hold; nil where prefixes are not kept.
  var prefixes: PrefixCache?
  /// Steps planned so far.
  package internal(set) var steps = 0

  /// By slot; a slot that is free holds what its last request left.
  var states: [RequestState] = []
  var freeSlots: [Int] = []
  /// Slots in order of admission.
  var running: [Int] = []
  var waiting = WaitingQueue()
  /// Something happened since the waiting queue was last looked at.
  var hasChanged = false
  /// The step at which it is looked at in any case.
  var reviewStep = Int.max
  var preemptedForMemory = false
  /// Done, and still holding their slots and blocks because the next step is planned already.
  var leaving: [Int] = []

  /// - Throws: `.invalidSetting` if the limits cannot be.
  package init(
    _ configuration: SchedulerConfiguration, ordering: any OrderingPolicy = FirstComeFirstServed(),
    admission: any AdmissionPolicy = OnDemand()
  ) throws(WorkloadError) {
    try configuration.validate()
    self.configuration = configuration
    self.ordering = ordering
    self.admission = admission
    pool = BlockPool(capacity: configuration.blockCount, blockSize: configuration.blockSize)
    if configuration.cachesPrefixes {
      prefixes = PrefixCache(
        capacity: configuration.blockCount, blockSize: configuration.blockSize)
    }
  }

  package var runningCount: Int { running.count }
  package var waitingCount: Int { waiting.count }
  package var isIdle: Bool { running.isEmpty && waiting.isEmpty && leaving.isEmpty }

  /// What is known of the request in a slot.
  package func state(_ slot: Int) -> RequestState { states[slot] }

  /// A request has come.
  ///
  /// - Returns: its slot, which names it until an event says that it is done; `nil` if it can never
  ///   fit and was rejected.
  package mutating func submit(
    _ request: Request, prediction: LengthPrediction?, at now: Time
  ) -> Int? {
    let state = RequestState(
      request, outputLimit: configuration.outputLimit, prediction: prediction, at: now)
    note(.arrived, state, tokens: state.inputLength, at: now)
    guard pool.blocks(for: state.inputLength + configuration.lookahead) <= pool.capacity else {
      note(.rejected, state, tokens: 0, at: now)
      return nil
    }
    let slot: Int
    if let free = freeSlots.popLast() {
      slot = free
      states[slot] = state
    } else {
      slot = states.count
      states.append(state)
    }
    prefixes?.join(slot, request)
    if ordering.accountsService { ordering.submitted(state) }
    enqueue(slot, at: now)
    hasChanged = true
    return slot
  }

  /// A request's prediction has been renewed.
  package mutating func predict(_ prediction: LengthPrediction?, slot: Int, at now: Time) {
    states[slot].prediction = prediction
    if !states[slot].isRunning {
      waiting.remove(slot: slot)
      enqueue(slot, at: now)
    }
    hasChanged = true
  }

  /// The client takes its request back. Not between `schedule` and `complete` of a step.
  package mutating func cancel(slot: Int, at now: Time) {
    if states[slot].isRunning {
      running.removeAll { $0 == slot }
    } else {
      waiting.remove(slot: slot)
    }
    note(.cancelled, states[slot], tokens: states[slot].generated, at: now)
    release(slot)
  }

  /// Decides what the next step computes. An empty plan means that there is nothing to do until a
  /// request comes.
  package mutating func schedule(at now: Time, into plan: inout StepPlan) {
    plan.clear()
    steps += 1
    preemptedForMemory = false
    let looks = hasChanged || steps >= reviewStep
    if looks, !waiting.isEmpty {
      while let slot = waiting.nextExpired(at: now) { enqueue(slot, at: now) }
      if ordering.isPreemptive { displace(at: now, plan: &plan) }
    }
    switch configuration.batching {
    case .continuous:
      serveRunning(.all, at: now, plan: &plan)
      if looks { admitWaiting(at: now, plan: &plan) }
    case .sarathi:
      serveRunning(.decodes, at: now, plan: &plan)
      serveRunning(.prefills, at: now, plan: &plan)
      if looks { admitWaiting(at: now, plan: &plan) }
    case .orca:
      serveRunning(.all, at: now, plan: &plan)
      if looks { admitWaiting(at: now, plan: &plan) }
    case .prefillFirst:
      if looks { admitWaiting(at: now, plan: &plan) }
      if plan.isEmpty { serveRunning(.all, at: now, plan: &plan) }
    case .batchToCompletion:
      if running.isEmpty {
        admitWaiting(at: now, plan: &plan)
      } else {
        serveRunning(.all, at: now, plan: &plan)
        // Nobody comes in before the batch is done, whatever has changed.
        hasChanged = false
        reviewStep = .max
      }
    }
    measure(&plan)
    for slot in leaving { release(slot) }
    leaving.removeAll(keepingCapacity: true)
  }

  /// What the plan amounts to, once nobody is taken out of it any more.
  private func measure(_ plan: inout StepPlan) {
    for entry in plan.entries {
      let before = states[entry.slot].computed
      if entry.isDecode {
        plan.shape.decodes += 1
        plan.shape.decodeContext += before + 1
      } else {
        plan.shape.prefills += 1
        plan.shape.prefillTokens += entry.tokens
        plan.shape.prefillContext +=
          entry.tokens * before + entry.tokens * (entry.tokens + 1) / 2
      }
    }
  }

  mutating func enqueue(_ slot: Int, at now: Time) {
    let state = states[slot]
    waiting.insert(
      WaitingQueue.Entry(
        key: ordering.key(of: state, at: now), arrival: state.arrival, id: state.id, slot: slot,
        lane: ordering.keyIsClients ? state.client : nil),
      holds: ordering.keyHolds(of: state, at: now))
  }

  /// The waiting request that is next.
  mutating func mostUrgent(at now: Time) -> WaitingQueue.Entry? {
    let (states, ordering) = (states, ordering)
    return waiting.first { ordering.key(of: states[$0], at: now) }
  }

  /// Forgets a request that is in no queue any more.
  mutating func release(_ slot: Int) {
    giveBackBlocks(slot)
    states[slot].isRunning = false
    if ordering.accountsService { ordering.departed(states[slot]) }
    freeSlots.append(slot)
    hasChanged = true
  }

  mutating func note(
    _ kind: SchedulerEvent.Kind, _ state: RequestState, tokens: Int, at now: Time
  ) {
    events.append(SchedulerEvent(time: now, kind: kind, request: state.id, tokens: tokens))
  }
}
