/// Writes a run as lines of JSON, from which `RunLogReader` makes the same run again: one line for
/// what the run was, one for each transition of a request, one for each row of steps.
///
/// Times are seconds with all their digits; counts that are zero are left out.
package struct RunLogWriter: SimulationObserver {
  private let append: (String) -> Void
  /// Who is about to arrive.
  private var coming: Request?

  /// - Parameter append: gets each line, without its line feed.
  package init(_ header: RunLogHeader, append: @escaping (String) -> Void) {
    self.append = append
    append(header.line)
  }

  package var wantsBatches: Bool { true }

  package mutating func arrived(_ request: Request) { coming = request }

  package mutating func observe(_ event: SchedulerEvent) {
    var line = Line(event.kind.logName, at: event.time)
    line.add("request", event.request)
    if event.kind == .arrived, let request = coming {
      line.add("input", request.inputLength)
      line.add("output", request.outputLength)
      line.add("client", request.client)
      line.add("class", request.serviceClass)
      line.add("priority", request.priority)
    } else {
      line.add("tokens", event.tokens)
    }
    append(line.text)
  }

  package mutating func observe(_ run: StepRun) {
    var line = Line("step", at: run.start)
    line.add("seconds", run.first)
    line.add("increment", run.increment)
    if run.count > 1 { line.add("count", run.count) }
    line.add("prefills", run.shape.prefills)
    line.add("prefill_tokens", run.shape.prefillTokens)
    line.add("prefill_context", run.shape.prefillContext)
    line.add("decodes", run.shape.decodes)
    line.add("decode_context", run.shape.decodeContext)
    line.add("swapped", run.shape.swappedTokens)
    line.add("reused", run.shape.reusedTokens)
    line.add("drafted", run.drafted)
    line.add("accepted", run.accepted)
    line.add("waiting", run.waiting)
    line.add("blocks", [run.blocksBefore, run.blocksAfter])
    line.add("requests", run.batch.map(\.request))
    if run.batch.contains(where: { $0.tokens != 1 || $0.emitted != 1 }) {
      line.add("computed", run.batch.map(\.tokens))
      line.add("emitted", run.batch.map(\.emitted))
    }
    append(line.text)
  }

  package mutating func observe(_ emission: Emission) {
    var line = Line("tokens", at: emission.time)
    line.add("request", emission.request)
    line.add("tokens", emission.tokens)
    append(line.text)
  }

  private struct Line {
    private var members: String

    init(_ event: String, at time: Time) {
      members = "{\"event\":\"\(event)\",\"t\":\(time.decimalSeconds)"
    }

    var text: String { members + "}" }

    mutating func add(_ name: String, _ value: Int) {
      if value != 0 { members += ",\"\(name)\":\(value)" }
    }

    mutating func add(_ name: String, _ time: Time) {
      if time != .zero { members += ",\"\(name)\":\(time.decimalSeconds)" }
    }

    mutating func add(_ name: String, _ values: [Int]) {
      members += ",\"\(name)\":["
      for (index, value) in values.enumerated() {
        members += index == 0 ? "\(value)" : ",\(value)"
      }
      members += "]"
    }
  }
}

extension SchedulerEvent.Kind {
  /// What logs call it.
  var logName: String {
    switch self {
    case .arrived: "arrive"
    case .rejected: "reject"
    case .admitted: "admit"
    case .resumed: "resume"
    case .preempted: "preempt"
    case .firstToken: "first_token"
    case .finished: "finish"
    case .cancelled: "cancel"
    }
  }
}

extension Time {
  /// Seconds with as many of twelve decimals as it takes.
  package var decimalSeconds: String {
    let second: Int64 = 1_000_000_000_000
    let magnitude = Int64(clamping: picoseconds.magnitude)
    let text = TraceWriter.decimal(magnitude / second, rest: magnitude % second, places: 12)
    return picoseconds < 0 ? "-" + text : text
  }
}
