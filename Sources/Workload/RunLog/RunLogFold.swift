/// Tells an observer a run as its log has it, with the times between tokens, which the log does not
/// spell out: whatever is computed of a run can be computed of its log.
package struct RunLogFold<Observer: SimulationObserver> {
  package var observer: Observer
  private var lastToken: [Int: Time] = [:]

  package init(_ observer: Observer) { self.observer = observer }

  /// - Parameter record: any but a header.
  package mutating func add(_ record: RunLogRecord) {
    switch record {
    case .run: break
    case .arrival(let request):
      observer.arrived(request)
      observer.observe(
        SchedulerEvent(
          time: request.arrival, kind: .arrived, request: request.id,
          tokens: request.inputLength))
    case .transition(let event):
      observer.observe(event)
      switch event.kind {
      case .finished, .rejected, .cancelled: lastToken[event.request] = nil
      case .arrived, .admitted, .resumed, .preempted, .firstToken: break
      }
    case .emission(let emission):
      if let last = lastToken.updateValue(emission.time, forKey: emission.request) {
        observer.observe(gap: emission.time - last, increment: .zero, steps: 1, weight: 1)
      }
      observer.observe(emission)
    case .steps(let run):
      observeGaps(run)
      observer.observe(run)
    }
  }

  private mutating func observeGaps(_ run: StepRun) {
    let end = run.start + run.first
    var (regular, decoding) = (0, 0)
    for part in run.batch where part.emitted > 0 {
      decoding += 1
      if let last = lastToken.updateValue(run.end, forKey: part.request) {
        if end - last == run.first {
          regular += 1
        } else {
          observer.observe(gap: end - last, increment: .zero, steps: 1, weight: 1)
        }
      }
    }
    if regular > 0 {
      observer.observe(gap: run.first, increment: .zero, steps: 1, weight: regular)
    }
    if run.count > 1 {
      observer.observe(
        gap: run.first + run.increment, increment: run.increment, steps: run.count - 1,
        weight: decoding)
    }
  }
}

/// Two observers of one run.
package struct Both<First: SimulationObserver, Second: SimulationObserver>: SimulationObserver {
  package var first: First
  package var second: Second

  package init(_ first: First, _ second: Second) {
    self.first = first
    self.second = second
  }

  package var wantsBatches: Bool { first.wantsBatches || second.wantsBatches }
  package mutating func arrived(_ request: Request) {
    first.arrived(request)
    second.arrived(request)
  }
  package mutating func observe(_ event: SchedulerEvent) {
    first.observe(event)
    second.observe(event)
  }
  package mutating func observe(_ run: StepRun) {
    first.observe(run)
    second.observe(run)
  }
  package mutating func observe(_ emission: Emission) {
    first.observe(emission)
    second.observe(emission)
  }
  package mutating func observe(gap: Time, increment: Time, steps: Int, weight: Int) {
    first.observe(gap: gap, increment: increment, steps: steps, weight: weight)
    second.observe(gap: gap, increment: increment, steps: steps, weight: weight)
  }
}
