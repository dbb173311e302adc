/// A run folded into one record per request and a few sums: an observer that any driver can feed.
package struct ServiceMetrics: SimulationObserver, Equatable, Sendable {
  /// In order of arrival, by `Request.id` less the first one's.
  package private(set) var records: [RequestRecord] = []
  /// Times between tokens, over tokens. Several tokens of one verification count once.
  package private(set) var gaps = GapHistogram()
  package private(set) var totals = StepTotals()
  private var firstID: Int?

  package init() {}

  package mutating func arrived(_ request: Request) {
    if firstID == nil { firstID = request.id }
    records.append(RequestRecord(request))
  }

  package mutating func observe(_ event: SchedulerEvent) {
    let index = event.request - (firstID ?? 0)
    guard records.indices.contains(index) else { return }
    switch event.kind {
    case .arrived, .resumed: break
    case .admitted: records[index].admitted = event.time
    case .firstToken: records[index].firstToken = event.time
    case .preempted:
      records[index].preemptions += 1
      records[index].wasted += Int32(clamping: event.tokens)
    case .finished: close(index, .finished, event)
    case .rejected: close(index, .rejected, event)
    case .cancelled: close(index, .cancelled, event)
    }
  }

  private mutating func close(
    _ index: Int, _ ending: RequestRecord.Ending, _ event: SchedulerEvent
  ) {
    records[index].ending = ending
    records[index].end = event.time
    records[index].outputLength = Int32(clamping: event.tokens)
  }

  package mutating func observe(_ run: StepRun) { totals.add(run) }

  package mutating func observe(gap: Time, increment: Time, steps: Int, weight: Int) {
    gaps.add(gap, increment: increment, steps: steps, weight: weight)
  }

  /// Requests that were answered.
  package var finished: [RequestRecord] { records.filter { $0.ending == .finished } }

  /// One number per answered request.
  package func values(_ measure: (RequestRecord) -> Double) -> Percentiles {
    Percentiles(finished.map(measure).filter { !$0.isNaN })
  }
}

/// Sums over the steps of a run.
package struct StepTotals: Equatable, Sendable {
  package private(set) var steps = 0
  package private(set) var stepsWithPrefill = 0
  package private(set) var prefillTokens = 0
  package private(set) var decodeTokens = 0
  package private(set) var drafted = 0
  package private(set) var accepted = 0
  package private(set) var swappedTokens = 0
  package private(set) var reusedTokens = 0
  package private(set) var peakBlocks = 0
  package private(set) var longestQueue = 0
  /// Seconds in which a step ran.
  package private(set) var busy = 0.0
  /// Block-seconds: divided by `busy` and the cache's blocks it is the mean use.
  package private(set) var blockSeconds = 0.0
  package private(set) var end = Time.zero

  package init() {}

  package mutating func add(_ run: StepRun) {
    let duration = (run.end - run.start).seconds
    steps += run.count
    stepsWithPrefill += run.shape.prefills > 0 ? run.count : 0
    prefillTokens += run.count * run.shape.prefillTokens
    decodeTokens += run.count * run.shape.decodes
    drafted += run.drafted
    accepted += run.accepted
    swappedTokens += run.shape.swappedTokens
    reusedTokens += run.shape.reusedTokens
    peakBlocks = max(peakBlocks, run.blocksBefore, run.blocksAfter)
    longestQueue = max(longestQueue, run.waiting)
    busy += duration
    blockSeconds += duration * Double(run.blocksBefore + run.blocksAfter) / 2
    end = run.end
  }

  /// Tokens of prompts that were found in the cache, of all that were asked for.
  package var prefixHitRate: Double {
    reusedTokens > 0 ? Double(reusedTokens) / Double(reusedTokens + prefillTokens) : 0
  }

  package func meanUse(blocks: Int) -> Double {
    busy > 0 ? blockSeconds / busy / Double(blocks) : 0
  }
}
