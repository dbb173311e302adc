/// A row of steps that were planned alike: as many as followed each other with nothing between them
/// but another token for everyone.
package struct StepRun: Equatable, Sendable {
  package var start: Time
  package var end: Time
  /// What the first step took; each of the others takes `increment` more than the one before.
  package var first: Time
  package var increment = Time.zero
  /// Steps in the row; more than one only if all running requests decode.
  package var count: Int
  /// Of the first step.
  package var shape: StepShape
  /// Draft tokens verified, and those of them that were kept.
  package var drafted = 0
  package var accepted = 0
  /// Blocks in use after the first step was planned and when the last one ended.
  package var blocksBefore: Int
  package var blocksAfter: Int
  package var waiting: Int
  /// Who computed what, in each of the steps; empty unless the observer `wantsBatches`.
  package var batch: [Part] = []

  /// One request's part of a step.
  package struct Part: Equatable, Sendable {
    /// `Request.id`.
    package var request: Int
    /// Tokens whose keys and values were computed, drafts left out.
    package var tokens: Int
    /// Tokens of the answer that came of it.
    package var emitted: Int

    package init(request: Int, tokens: Int, emitted: Int) {
      self.request = request
      self.tokens = tokens
      self.emitted = emitted
    }
  }

  /// Takes in the row after this one if the two could have been run through in one go, so that a
  /// run tells the same rows however it was cut into steps.
  ///
  /// - Precondition: no transition of a request came between the two.
  mutating func extend(by next: StepRun) -> Bool {
    guard shape.prefills == 0, next.shape.prefills == 0, shape.swappedTokens == 0,
      next.shape.swappedTokens == 0, drafted == 0, next.drafted == 0, start < end,
      next.start == end, next.shape.decodes == shape.decodes, increment == next.increment,
      next.first == SteppedRow(first: first, increment: increment).duration(count)
    else { return false }
    end = next.end
    count += next.count
    blocksAfter = next.blocksAfter
    waiting = next.waiting
    return true
  }
}

extension Scheduler {
  /// Who computes what by the plan; what comes of it is filled in when the step is done.
  func parts(of plan: StepPlan) -> [StepRun.Part] {
    plan.entries.map {
      StepRun.Part(request: state($0.slot).id, tokens: $0.tokens, emitted: 0)
    }
  }
}

extension [StepRun.Part] {
  /// Notes the tokens of a request at or after `place`, which moves past it.
  mutating func setEmitted(_ tokens: Int, by request: Int, from place: inout Int) {
    while place < count, self[place].request != request { place += 1 }
    if place < count { self[place].emitted = tokens }
    place += 1
  }
}

/// Tokens of an answer that came together: what a client sees of a server, whose steps nobody tells.
package struct Emission: Equatable, Sendable {
  package var time: Time
  /// `Request.id`.
  package var request: Int
  /// Pieces of text; a server may put several tokens into one.
  package var tokens: Int

  package init(time: Time, request: Int, tokens: Int) {
    self.time = time
    self.request = request
    self.tokens = tokens
  }
}

/// What a run tells as it goes: metrics, logs and fits are observers.
package protocol SimulationObserver {
  /// Whether `StepRun.batch` is to be filled.
  var wantsBatches: Bool { get }
  /// A request is about to be submitted.
  mutating func arrived(_ request: Request)
  mutating func observe(_ event: SchedulerEvent)
  mutating func observe(_ run: StepRun)
  mutating func observe(_ emission: Emission)
  /// Tokens followed the one before them after `gap`, `gap + increment`, ... in `steps` steps, for
  /// `weight` requests in each.
  mutating func observe(gap: Time, increment: Time, steps: Int, weight: Int)
}

extension SimulationObserver {
  package var wantsBatches: Bool { false }
  package mutating func arrived(_ request: Request) {}
  package mutating func observe(_ event: SchedulerEvent) {}
  package mutating func observe(_ run: StepRun) {}
  package mutating func observe(_ emission: Emission) {}
  package mutating func observe(gap: Time, increment: Time, steps: Int, weight: Int) {}
}

/// Keeps every event: for tests, and for logs of runs that are short enough.
package struct EventLog: SimulationObserver {
  package private(set) var events: [SchedulerEvent] = []
  package init() {}
  package mutating func observe(_ event: SchedulerEvent) { events.append(event) }
}
