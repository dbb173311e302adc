import Support
import Workload

/// Traces and engines drawn for property tests: small, hard pressed, and repeatable.
enum RandomWorkload {
  /// Requests that come in bursts, some at the same instant.
  static func requests(_ count: Int, seed: UInt64) -> [Request] {
    var generator = SeededGenerator(seed: seed)
    var clock = Time.zero
    return (0..<count).map { id in
      if Int.random(in: 0..<4, using: &generator) > 0 {
        clock += Time(milliseconds: Double.random(in: 0...120, using: &generator))
      }
      var request = Request(
        id: id, arrival: clock, inputLength: Int.random(in: 1...90, using: &generator),
        outputLength: Int.random(in: 1...60, using: &generator))
      request.priority = Int.random(in: 0...3, using: &generator)
      request.client = Int.random(in: 0...2, using: &generator)
      request.serviceClass = Int.random(in: 0...1, using: &generator)
      request.outputLimit = 64
      return request
    }
  }

  /// An engine so small that its cache, its slots and its budget all run out.
  static func configuration(_ batching: Batching, _ preemption: PreemptionKind)
    -> SchedulerConfiguration
  {
    var configuration = SchedulerConfiguration()
    configuration.batching = batching
    configuration.preemption = preemption
    configuration.tokenBudget = 48
    configuration.maximumRunning = 7
    configuration.blockSize = 8
    configuration.blockCount = 30
    return configuration
  }

  static let model = StepTimeModel(
    overhead: 4e-3, prefillToken: 1e-4, prefillContext: 3e-7, decode: 2e-4, decodeContext: 1.7e-6)

  static func noise(_ requests: [Request]) throws -> NoisyPredictor {
    try NoisyPredictor(tau: 0.6, lengths: requests.map(\.outputLength), seed: 4)
  }
}

/// Watches a run and keeps what must hold of any.
struct Invariants: SimulationObserver {
  var metrics = ServiceMetrics()
  var events: [SchedulerEvent] = []
  var violations: [String] = []
  let capacity: Int
  private var present = 0
  private var lastEnd = Time.zero
  private var wasEmpty = true
  private var phases: [Int: SchedulerEvent.Kind] = [:]

  init(capacity: Int) { self.capacity = capacity }

  mutating func arrived(_ request: Request) { metrics.arrived(request) }

  mutating func observe(_ event: SchedulerEvent) {
    metrics.observe(event)
    events.append(event)
    let before = phases[event.request]
    phases[event.request] = event.kind
    let allowed: [SchedulerEvent.Kind?]
    switch event.kind {
    case .arrived:
      allowed = [nil]
      if present == 0 { wasEmpty = true }
      present += 1
    case .admitted: allowed = [.arrived]
    case .resumed: allowed = [.preempted]
    case .preempted: allowed = [.admitted, .resumed, .firstToken]
    case .firstToken: allowed = [.admitted, .resumed]
    case .finished: allowed = [.firstToken, .resumed]
    case .rejected, .cancelled: allowed = [.arrived, .preempted, .admitted, .resumed, .firstToken]
    }
    if !allowed.contains(before) {
      violations.append("\(event) after \(String(describing: before))")
    }
    if [.finished, .rejected, .cancelled].contains(event.kind) { present -= 1 }
  }

  mutating func observe(_ run: StepRun) {
    metrics.observe(run)
    if max(run.blocksBefore, run.blocksAfter) > capacity { violations.append("over capacity") }
    // Work conservation: between two steps nothing idles unless nobody was there.
    if !wasEmpty, run.start != lastEnd { violations.append("idled before \(run.start.seconds)") }
    wasEmpty = false
    lastEnd = run.end
  }

  mutating func observe(gap: Time, increment: Time, steps: Int, weight: Int) {
    metrics.observe(gap: gap, increment: increment, steps: steps, weight: weight)
  }
}
