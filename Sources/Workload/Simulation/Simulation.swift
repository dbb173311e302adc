/// The scheduler on a virtual clock: requests from a source, steps as long as a model says.
///
/// Rows of steps in which every running request decodes and nobody comes or goes are run through
/// in one go, at a cost that does not depend on their number; times are whole picoseconds, so the
/// log is the same as that of stepping through them.
package struct Simulation<Source: RequestSource, Observer: SimulationObserver> {
  package private(set) var scheduler: Scheduler
  package private(set) var source: Source
  package private(set) var predictor: any LengthPredictor
  package let model: StepTimeModel
  package let speculation: Speculation?
  package var observer: Observer
  /// Whether alike steps are run through in one go.
  package var skips = true
  package var jitterSeed: UInt64 = 0
  /// Steps that were planned each for itself: fewer than were taken where rows are run through.
  package private(set) var plannedSteps = 0

  private var now = Time.zero
  /// Who came by then is known to the next plan.
  private var seen = Time.zero
  private var upcoming: Request?
  private var plan = StepPlan()
  private var lengths = SlotLengths()
  /// Told when it is known where it ends.
  private var row: StepRun?

  /// The longest row: keeps sums of step times within 63 bits.
  private static var longestRow: Int { 1 << 16 }

  /// - Throws: `.invalidSetting` if the step times cannot be or the scheduler leaves no room for
  ///   drafts.
  package init(
    _ scheduler: Scheduler, source: Source, predictor: any LengthPredictor = NoPredictor(),
    model: StepTimeModel, speculation: Speculation? = nil, observer: Observer
  ) throws(WorkloadError) {
    try model.validate()
    if let speculation, speculation.draftLength.limit > scheduler.configuration.lookahead {
      throw WorkloadError(
        .invalidSetting, source: "speculation",
        problem: "\(speculation.draftLength.limit) drafts, the scheduler leaves room for "
          + "\(scheduler.configuration.lookahead)", advice: "raise the scheduler's lookahead")
    }
    self.scheduler = scheduler
    self.source = source
    self.predictor = predictor
    self.model = model
    self.speculation = speculation
    self.observer = observer
  }

  /// Runs until the source is empty and every request is done.
  ///
  /// - Throws: what the source throws, and `.invalidSetting` if the run takes over 92 days.
  package mutating func run() throws(WorkloadError) {
    upcoming = try source.next()
    while true {
      while let request = upcoming, request.arrival <= seen {
        submit(request)
        upcoming = try source.next()
      }
      scheduler.schedule(at: now, into: &plan)
      tell()
      if plan.isEmpty {
        // Whoever was preempted in this call is looked at again in the next.
        guard scheduler.isIdle else { continue }
        guard let request = upcoming else { return flush() }
        now = max(now, request.arrival)
        seen = now
        continue
      }
      step()
      guard now < .longest else {
        throw WorkloadError(
          .invalidSetting, source: "simulation", problem: "the run takes more than 92 days",
          advice: "is the engine fast enough for this rate?")
      }
    }
  }

  private mutating func submit(_ request: Request) {
    flush()
    observer.arrived(request)
    let prediction = predictor.prediction(for: request)
    if let slot = scheduler.submit(request, prediction: prediction, at: request.arrival) {
      lengths.set(
        slot, request, rate: speculation?.rate(request: request.id) ?? 0)
    }
    tell()
  }

  /// One step, or a row of steps that are alike.
  private mutating func step() {
    plannedSteps += 1
    let start = now
    let before = scheduler.pool.used
    let drafts = speculation?.drafts(plan.shape, model: model) ?? 0
    let drafted = drafts > 0 ? draftTokens(drafts) : 0
    var first = model.duration(plan.shape, draftTokens: drafted)
    if let speculation { first += speculation.drafting(drafts, total: drafted) }
    var count = 1
    var increment = Time.zero
    if model.jitter.isEmpty {
      increment = model.increment(plan.shape)
      let row = SteppedRow(first: first, increment: increment)
      if skips {
        let left = lengths.leastLeft(plan)
        let alike = scheduler.stepsAlike(plan, limit: min(left - 1, Self.longestRow))
        let gap = (upcoming?.arrival ?? .never) - start
        count = row.steps(reaching: gap, limit: alike + 1)
        // The plan that first knows of the arrival is that of a step later.
        if isPipelined { count = min(count + 1, alike + 1) }
      }
      seen = isPipelined ? start + row.sum(count - 1) : start + row.sum(count)
      now += row.sum(count)
      observeGaps(end: start + first, duration: first)
      if count > 1 {
        observer.observe(
          gap: row.duration(1), increment: increment, steps: count - 1,
          weight: plan.entries.count)
        scheduler.advance(plan, by: count - 1)
        lengths.advance(plan, by: count - 1, to: now)
      }
    } else {
      first = jittered(first)
      now += first
      seen = isPipelined ? start : now
      observeGaps(end: now, duration: now - start)
    }
    let (accepted, batch) = finishStep(drafts: drafts)
    report(
      StepRun(
        start: start, end: now, first: first, increment: increment, count: count,
        shape: plan.shape, drafted: drafted, accepted: accepted,
        blocksBefore: before, blocksAfter: scheduler.pool.used,
        waiting: scheduler.waitingCount, batch: batch))
    tell()
  }

  /// Draft tokens of all decodes of the plan, as far as their answers may go on.
  private func draftTokens(_ drafts: Int) -> Int {
    plan.entries.reduce(0) {
      $1.isDecode ? $0 + min(drafts, scheduler.state($1.slot).draftRoom) : $0
    }
  }

  /// Tells the row before this one, unless the two are one.
  private mutating func report(_ next: StepRun) {
    if row?.extend(by: next) == true { return }
    flush()
    row = next
  }

  private mutating func flush() {
    if let row { observer.observe(row) }
    row = nil
  }

  private var isPipelined: Bool { scheduler.configuration.isPipelined }

  private func jittered(_ time: Time) -> Time {
    var random = RandomSource(seed: jitterSeed, item: scheduler.steps)
    let index = Int(random.uniform() * Double(model.jitter.count))
    return Time(seconds: time.seconds * Double(model.jitter[index]))
  }

  /// Gives the scheduler what came of the step; returns how many drafts were accepted, and who did
  /// what if somebody wants to know.
  private mutating func finishStep(drafts: Int) -> (accepted: Int, batch: [StepRun.Part]) {
    var accepted = 0
    var batch = observer.wantsBatches ? scheduler.parts(of: plan) : []
    let (speculation, end) = (speculation, now)
    var lengths = take(&self.lengths)
    var finished: [Int] = []
    var (part, entry) = (0, 0)
    let entries = plan.entries
    scheduler.complete(plan, at: end) { slot, state in
      var tokens = 1
      while entries[entry].slot != slot { entry += 1 }
      if drafts > 0, entries[entry].isDecode, let speculation {
        let kept = speculation.accepted(
          of: min(drafts, state.draftRoom), rate: lengths.rate(slot), request: state.id,
          position: state.generated)
        tokens = min(1 + kept, lengths.left(slot))
        accepted += tokens - 1
      }
      let isFinished = lengths.produce(slot, tokens, at: end)
      if isFinished { finished.append(slot) }
      batch.setEmitted(tokens, by: state.id, from: &part)
      return Scheduler.Outcome(tokens: tokens, isFinished: isFinished)
    }
    for slot in finished { predictor.finished(lengths.request(slot)) }
    self.lengths = lengths
    return (accepted, batch)
  }

  private func take(_ lengths: inout SlotLengths) -> SlotLengths {
    let taken = lengths
    lengths = SlotLengths()
    return taken
  }

  /// Tells the gaps before the tokens that end at `end`. Requests that had a token when the step
  /// began are told as one.
  private mutating func observeGaps(end: Time, duration: Time) {
    var regular = 0
    for entry in plan.entries {
      guard let gap = lengths.gap(entry.slot, to: end, isComplete: isComplete(entry)) else {
        continue
      }
      if gap == duration {
        regular += 1
      } else {
        observer.observe(gap: gap, increment: .zero, steps: 1, weight: 1)
      }
    }
    if regular > 0 {
      observer.observe(gap: duration, increment: .zero, steps: 1, weight: regular)
    }
  }

  private func isComplete(_ entry: StepPlan.Entry) -> Bool {
    entry.isDecode || scheduler.state(entry.slot).uncomputed == entry.tokens
  }

  private mutating func tell() {
    if !scheduler.events.isEmpty { flush() }
    for event in scheduler.events { observer.observe(event) }
    scheduler.events.removeAll(keepingCapacity: true)
  }
}

/// Steps each of which is a fixed time longer than the one before.
package struct SteppedRow {
  package let first: Time
  package let increment: Time

  package init(first: Time, increment: Time) {
    self.first = first
    self.increment = increment
  }

  package func duration(_ index: Int) -> Time {
    Time(picoseconds: first.picoseconds + increment.picoseconds * Int64(index))
  }

  func sum(_ count: Int) -> Time {
    let n = Int64(count)
    return Time(picoseconds: first.picoseconds * n + increment.picoseconds * (n * (n - 1) / 2))
  }

  /// The fewest steps whose sum is at least `time`, at most `limit` and at least 1.
  func steps(reaching time: Time, limit: Int) -> Int {
    if limit <= 1 || first >= time { return 1 }
    if sum(limit) < time { return limit }
    var (short, enough) = (1, limit)
    while enough - short > 1 {
      let middle = (short + enough) / 2
      if sum(middle) >= time { enough = middle } else { short = middle }
    }
    return enough
  }
}
