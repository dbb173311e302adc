/// What a step brings, and stretches of steps that are all alike.
extension Scheduler {
  /// What came of a request in a step that computed all that was known of it.
  package struct Outcome: Sendable {
    /// Tokens of the answer: 1, and one more for each draft that was accepted.
    package var tokens: Int
    package var isFinished: Bool

    package init(tokens: Int, isFinished: Bool) {
      self.tokens = tokens
      self.isFinished = isFinished
    }
  }

  /// The step is done.
  ///
  /// - Parameters:
  ///   - plan: what `schedule` decided.
  ///   - now: when it ended.
  ///   - outcome: asked, in the plan's order, for every request that has no prompt left to compute.
  package mutating func complete(
    _ plan: StepPlan, at now: Time, outcome: (Int, RequestState) -> Outcome
  ) {
    var leaves = false
    for entry in plan.entries {
      let slot = entry.slot
      let isComplete = states[slot].uncomputed == entry.tokens
      states[slot].computed += entry.tokens
      guard isComplete else {
        account(slot, input: entry.tokens, output: 0)
        continue
      }
      let result = outcome(slot, states[slot])
      let isFirst = states[slot].generated == 0
      states[slot].generated += result.tokens
      // The tokens of accepted drafts are in the cache already, all but the last one.
      states[slot].computed += result.tokens - 1
      account(slot, input: entry.isDecode ? 0 : entry.tokens, output: result.tokens)
      if isFirst { note(.firstToken, states[slot], tokens: 1, at: now) }
      if result.isFinished {
        note(.finished, states[slot], tokens: states[slot].generated, at: now)
        admission.finished(length: states[slot].generated)
        states[slot].isRunning = false
        leaves = true
        if configuration.isPipelined { leaving.append(slot) } else { release(slot) }
      }
    }
    if leaves { running.removeAll { !states[$0].isRunning } }
  }

  private mutating func account(_ slot: Int, input: Int, output: Int) {
    if ordering.accountsService {
      ordering.served(states[slot], input: input, output: output)
    }
  }

  /// How many more steps would be planned exactly like this one, if nobody came and nobody
  /// finished: 0 unless every running request decodes.
  ///
  /// - Parameter limit: the most that the caller can use.
  package func stepsAlike(_ plan: StepPlan, limit: Int) -> Int {
    guard limit > 0, !hasChanged,
      plan.shape.decodes == running.count, plan.shape.prefills == 0,
      plan.shape.swappedTokens == 0, configuration.lookahead == 0
    else { return 0 }
    var most = limit
    if !waiting.isEmpty, reviewStep < .max { most = min(most, reviewStep - 1 - steps) }
    guard most > 0 else { return 0 }
    if blocksWanted(plan, steps: most) <= pool.free { return most }
    var (fits, tooMany) = (0, most)
    while tooMany - fits > 1 {
      let middle = (fits + tooMany) / 2
      if blocksWanted(plan, steps: middle) <= pool.free {
        fits = middle
      } else {
        tooMany = middle
      }
    }
    return fits
  }

  /// Blocks that so many more steps of decoding would take.
  private func blocksWanted(_ plan: StepPlan, steps: Int) -> Int {
    var wanted = 0
    for entry in plan.entries {
      let state = states[entry.slot]
      wanted += pool.blocks(for: state.computed + 1 + steps) - state.blocks
    }
    return wanted
  }

  /// Runs through `count` steps like this one without planning each; `complete` of the last is left
  /// to the caller. `count` is at most what `stepsAlike` allows, and nobody finishes in them.
  package mutating func advance(_ plan: StepPlan, by count: Int) {
    steps += count
    for entry in plan.entries {
      let slot = entry.slot
      let before = states[slot].computed
      states[slot].computed += count
      states[slot].generated += count
      hold(slot, from: before, to: states[slot].computed + 1)
      account(slot, input: 0, output: count)
    }
  }
}
