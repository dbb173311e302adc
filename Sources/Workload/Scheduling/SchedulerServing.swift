/// The running half of a step, and who gives way when the cache is full.
extension Scheduler {
  enum Served {
    case all, decodes, prefills
  }

  /// Gives running requests their tokens, in order, preempting where blocks are missing.
  mutating func serveRunning(_ served: Served, at now: Time, plan: inout StepPlan) {
    let decodeCost = 1 + configuration.lookahead
    var index = 0
    while index < running.count {
      let slot = running[index]
      let wanted = states[slot].uncomputed
      let isDecode = wanted == 1 && states[slot].generated > 0
      if (served == .decodes && !isDecode) || (served == .prefills && isDecode) {
        index += 1
        continue
      }
      let left = configuration.tokenBudget - plan.budgetUsed
      let cost = isDecode ? decodeCost : chunk(wanted, left: left, isFirst: plan.isEmpty)
      if cost > left && !(plan.isEmpty && !isDecode) || cost == 0 { return }
      let reach = states[slot].computed + cost
      let missing = pool.blocks(for: reach) - states[slot].blocks
      if missing > pool.free {
        guard makeRoom(missing, for: slot, index: &index, at: now, plan: &plan) else { return }
      }
      hold(slot, from: states[slot].computed, to: reach)
      plan.entries.append(
        StepPlan.Entry(slot: slot, tokens: isDecode ? 1 : cost, isDecode: isDecode))
      plan.budgetUsed += cost
      index += 1
    }
  }

  /// How much of a prompt this step takes; a prompt that must stay whole may exceed the budget if
  /// it is the first.
  func chunk(_ wanted: Int, left: Int, isFirst: Bool) -> Int {
    guard configuration.batching.splitsPrompts else { return wanted }
    let limit = configuration.longPrefillThreshold
    return max(0, min(wanted, limit > 0 ? limit : wanted, left))
  }

  /// Preempts until `missing` blocks are free. `false` if `slot` itself had to go.
  private mutating func makeRoom(
    _ missing: Int, for slot: Int, index: inout Int, at now: Time, plan: inout StepPlan
  ) -> Bool {
    while missing > pool.free {
      let position = victimPosition(at: now)
      let victim = running[position]
      if victim == slot, running.count == 1, leaving.isEmpty {
        // Alone and still too large: it can never go on.
        running.removeAll()
        note(.rejected, states[slot], tokens: states[slot].generated, at: now)
        release(slot)
        return false
      }
      preempt(position: position, at: now, plan: &plan)
      preemptedForMemory = true
      if victim == slot { return false }
      if position < index { index -= 1 }
    }
    return true
  }

  private func victimPosition(at now: Time) -> Int {
    switch ordering.victim {
    case .lastAdmitted: running.count - 1
    case .leastUrgent: leastUrgent(at: now) { _ in true } ?? running.count - 1
    }
  }

  /// Where in `running` the request with the highest key is, among those that may go; ties go to
  /// the later arrival.
  private func leastUrgent(at now: Time, mayGo: (RequestState) -> Bool) -> Int? {
    var worst: (position: Int, entry: WaitingQueue.Entry)?
    for (position, slot) in running.enumerated() where mayGo(states[slot]) {
      let candidate = entry(slot, at: now)
      if worst?.entry.precedes(candidate) ?? true { worst = (position, candidate) }
    }
    return worst?.position
  }

  private func entry(_ slot: Int, at now: Time) -> WaitingQueue.Entry {
    WaitingQueue.Entry(
      key: ordering.key(of: states[slot], at: now), arrival: states[slot].arrival,
      id: states[slot].id, slot: slot)
  }

  /// Sends a running request back to the waiting queue.
  mutating func preempt(position: Int, at now: Time, plan: inout StepPlan) {
    let slot = running.remove(at: position)
    if let planned = plan.entries.firstIndex(where: { $0.slot == slot }) {
      let entry = plan.entries.remove(at: planned)
      plan.budgetUsed -= entry.isDecode ? 1 + configuration.lookahead : entry.tokens
    }
    let lost = states[slot].computed
    note(.preempted, states[slot], tokens: lost, at: now)
    giveBackBlocks(slot)
    states[slot].preemptions += 1
    states[slot].isRunning = false
    states[slot].waitingSince = now
    switch configuration.preemption {
    case .recompute: states[slot].computed = 0
    case .swap:
      states[slot].isSwappedOut = lost > 0
      plan.shape.swappedTokens += lost
    }
    enqueue(slot, at: now)
    hasChanged = true
  }

  /// Lets the most urgent waiting requests take the places of running ones, as far as the policy
  /// wants it and they cannot get in otherwise.
  mutating func displace(at now: Time, plan: inout StepPlan) {
    var blocked = true
    while blocked, running.count > 0, let first = mostUrgent(at: now) {
      let candidate = states[first.slot]
      let needed = blocksTaken(
        for: candidate.known + configuration.lookahead, finding: found(first.slot))
      blocked = running.count + leaving.count >= configuration.maximumRunning || needed > pool.free
      guard blocked else { return }
      let policy = ordering
      let victim = leastUrgent(at: now) { policy.displaces(candidate, $0, at: now) }
      guard let position = victim else { return }
      preempt(position: position, at: now, plan: &plan)
    }
  }
}
