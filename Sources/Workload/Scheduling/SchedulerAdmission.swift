/// The waiting half of a step.
extension Scheduler {
  /// Lets waiting requests in, most urgent first, until one does not fit that the admission policy
  /// does not look past. Never preempts.
  mutating func admitWaiting(at now: Time, plan: inout StepPlan) {
    guard !preemptedForMemory else { return }
    var passed: [Int] = []
    defer { for slot in passed { enqueue(slot, at: now) } }
    while let first = mostUrgent(at: now) {
      guard running.count + leaving.count < configuration.maximumRunning else { return settle() }
      let state = states[first.slot]
      let left = configuration.tokenBudget - plan.budgetUsed
      let isFirstWhole =
        !configuration.batching.splitsPrompts && !plan.entries.contains { !$0.isDecode }
      // Looking costs time, and without budget nothing comes of it.
      let found = left > 0 || isFirstWhole ? found(first.slot) : PrefixCache.Found()
      let reused = found.blocks * pool.blockSize
      // A request that comes back from a swap goes on decoding; everyone else has a prompt.
      let isDecode = state.isSwappedOut && state.uncomputed == 1 && state.generated > 0
      let cost =
        isDecode
        ? 1 + configuration.lookahead
        : chunk(state.uncomputed - reused, left: left, isFirst: plan.shape.prefills == 0)
      // Out of budget, not refused: the next step goes on here.
      guard cost > 0, cost <= left || isFirstWhole else { return hasChanged = true }
      let gate =
        configuration.reservesWholePrompt ? state.known : state.computed + reused + cost
      guard blocksTaken(for: gate + configuration.lookahead, finding: found) <= pool.free,
        running.isEmpty
          || admission.admits(
            state, beside: RunningRequests(states: states, slots: running), cache: pool)
      else {
        guard running.isEmpty, leaving.isEmpty else {
          guard passed.count < admission.reach else { return settle() }
          waiting.remove(slot: first.slot)
          passed.append(first.slot)
          continue
        }
        reject(first.slot, at: now)
        continue
      }
      waiting.remove(slot: first.slot)
      start(
        first.slot, tokens: cost, isDecode: isDecode, finding: found, at: now, plan: &plan)
    }
    settle()
  }

  /// What waits has been looked at and cannot get in until something changes.
  private mutating func settle() {
    hasChanged = false
    let interval = min(ordering.reviewInterval, admission.reviewInterval)
    reviewStep = interval == .max ? .max : steps + interval
  }

  private mutating func start(
    _ slot: Int, tokens: Int, isDecode: Bool, finding found: PrefixCache.Found, at now: Time,
    plan: inout StepPlan
  ) {
    let isNew = states[slot].preemptions == 0
    reuse(slot, found)
    let reused = found.blocks * pool.blockSize
    plan.shape.reusedTokens += reused
    hold(slot, from: states[slot].computed, to: states[slot].computed + tokens)
    if states[slot].isSwappedOut {
      plan.shape.swappedTokens += states[slot].computed
      states[slot].isSwappedOut = false
    }
    states[slot].isRunning = true
    states[slot].runningSince = now
    states[slot].generatedBefore = states[slot].generated
    running.append(slot)
    note(
      isNew ? .admitted : .resumed, states[slot],
      tokens: isNew ? reused : states[slot].generated, at: now)
    plan.entries.append(
      StepPlan.Entry(slot: slot, tokens: isDecode ? 1 : tokens, isDecode: isDecode))
    plan.budgetUsed += tokens
  }

  /// With the whole cache free it does not fit: it never will.
  private mutating func reject(_ slot: Int, at now: Time) {
    waiting.remove(slot: slot)
    note(.rejected, states[slot], tokens: states[slot].generated, at: now)
    release(slot)
  }
}
