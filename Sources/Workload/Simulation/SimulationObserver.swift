/// A row of steps that were planned alike.
package struct StepRun: Equatable, Sendable {
  package var start: Time
  package var end: Time
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
}

/// What a run tells as it goes: metrics, logs and fits are observers.
package protocol SimulationObserver {
  /// A request is about to be submitted.
  mutating func arrived(_ request: Request)
  mutating func observe(_ event: SchedulerEvent)
  mutating func observe(_ run: StepRun)
  /// Tokens followed the one before them after `gap`, `gap + increment`, ... in `steps` steps, for
  /// `weight` requests in each.
  mutating func observe(gap: Time, increment: Time, steps: Int, weight: Int)
}

extension SimulationObserver {
  package mutating func arrived(_ request: Request) {}
  package mutating func observe(_ event: SchedulerEvent) {}
  package mutating func observe(_ run: StepRun) {}
  package mutating func observe(gap: Time, increment: Time, steps: Int, weight: Int) {}
}

/// Keeps every event: for tests, and for logs of runs that are short enough.
package struct EventLog: SimulationObserver {
  package private(set) var events: [SchedulerEvent] = []
  package init() {}
  package mutating func observe(_ event: SchedulerEvent) { events.append(event) }
}
