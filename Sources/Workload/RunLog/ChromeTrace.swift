/// A run as events of Chrome's trace format (`chrome://tracing`, Perfetto): what each request waits
/// for or does, on as many lanes as there are requests at a time, the engine's steps, and counters
/// of the queue and the cache.
package struct ChromeTrace: SimulationObserver {
  private let append: (String) -> Void
  private var requests: [Int: Phase] = [:]
  /// Lanes that nobody is in, and how many there are.
  private var freeLanes: [Int] = []
  private var lanes = 0

  private struct Phase {
    var name: String
    var since: Time
    var lane: Int
  }

  private enum Process: Int {
    case engine = 1
    case requests
  }

  /// - Parameter append: gets each line; together they are one JSON array, which `end` closes.
  package init(append: @escaping (String) -> Void) {
    self.append = append
    append("[")
    for (process, name) in [(Process.engine, "engine"), (.requests, "requests")] {
      append(
        "{\"ph\":\"M\",\"name\":\"process_name\",\"pid\":\(process.rawValue),\"tid\":0,"
          + "\"args\":{\"name\":\"\(name)\"}},")
    }
  }

  /// Closes the array; the observer must not be told anything more.
  package func end() {
    append(
      "{\"ph\":\"M\",\"name\":\"thread_name\",\"pid\":1,\"tid\":0,\"args\":{\"name\":\"steps\"}}")
    append("]")
  }

  package mutating func observe(_ event: SchedulerEvent) {
    let lane: Int
    if let phase = requests.removeValue(forKey: event.request) {
      lane = phase.lane
      slice(
        phase.name, .requests, lane: lane, from: phase.since, to: event.time,
        "\"request\":\(event.request)")
    } else {
      lane = freeLanes.popLast() ?? lanes
      lanes = max(lanes, lane + 1)
    }
    let next: String?
    switch event.kind {
    case .arrived: next = "wait"
    case .admitted: next = "prefill"
    case .resumed: next = "resumed"
    case .firstToken: next = "decode"
    case .preempted: next = "preempted"
    case .rejected, .finished, .cancelled: next = nil
    }
    if let next {
      requests[event.request] = Phase(name: next, since: event.time, lane: lane)
    } else {
      freeLanes.append(lane)
    }
  }

  package mutating func observe(_ run: StepRun) {
    let shape = run.shape
    slice(
      shape.prefills == 0 ? "decode" : shape.decodes == 0 ? "prefill" : "mixed", .engine, lane: 0,
      from: run.start, to: run.end,
      "\"steps\":\(run.count),\"decodes\":\(shape.decodes),"
        + "\"prefill_tokens\":\(shape.prefillTokens)")
    counter(
      "requests", at: run.start,
      "\"waiting\":\(run.waiting),\"running\":\(shape.decodes + shape.prefills)")
    counter("blocks", at: run.start, "\"used\":\(run.blocksBefore)")
  }

  private func slice(
    _ name: String, _ process: Process, lane: Int, from start: Time, to end: Time,
    _ arguments: String
  ) {
    append(
      "{\"ph\":\"X\",\"name\":\"\(name)\",\"pid\":\(process.rawValue),\"tid\":\(lane),"
        + "\"ts\":\(Self.microseconds(start)),\"dur\":\(Self.microseconds(end - start)),"
        + "\"args\":{\(arguments)}},")
  }

  private func counter(_ name: String, at time: Time, _ arguments: String) {
    append(
      "{\"ph\":\"C\",\"name\":\"\(name)\",\"pid\":1,\"tid\":0,\"ts\":\(Self.microseconds(time)),"
        + "\"args\":{\(arguments)}},")
  }

  private static func microseconds(_ time: Time) -> String {
    let unit: Int64 = 1_000_000
    let pico = max(0, time.picoseconds)
    return TraceWriter.decimal(pico / unit, rest: pico % unit, places: 6)
  }
}
