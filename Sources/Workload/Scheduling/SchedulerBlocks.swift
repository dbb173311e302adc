/// Blocks given and taken, by count and, where prefixes are kept, by what they hold.
extension Scheduler {
  /// Blocks that a waiting request would take of those that are free to hold `tokens` of its text.
  func blocksTaken(for tokens: Int, finding found: PrefixCache.Found) -> Int {
    pool.blocks(for: tokens) - found.blocks + found.unused
  }

  /// What is there of the text of a request that waits.
  func found(_ slot: Int) -> PrefixCache.Found {
    prefixes?.found(slot, known: states[slot].known) ?? PrefixCache.Found()
  }

  /// A request that is admitted begins behind what is there of its text.
  mutating func reuse(_ slot: Int, _ found: PrefixCache.Found) {
    guard found.blocks > 0 else { return }
    prefixes?.reuse(slot, found)
    pool.take(found.unused)
    states[slot].blocks = found.blocks
    states[slot].computed = found.blocks * pool.blockSize
  }

  /// Gives a request blocks for `reach` tokens, of which the steps since `before` tokens were
  /// computed compute the others.
  mutating func hold(_ slot: Int, from before: Int, to reach: Int) {
    let missing = pool.blocks(for: reach) - states[slot].blocks
    if missing > 0 {
      pool.take(missing)
      states[slot].blocks += missing
      prefixes?.extend(slot, to: states[slot].blocks)
    }
    prefixes?.fill(slot, from: before, to: reach)
  }

  /// Takes all of a request's blocks.
  mutating func giveBackBlocks(_ slot: Int) {
    if let before = prefixes?.free {
      prefixes?.giveBack(slot, computed: states[slot].computed)
      pool.giveBack((prefixes?.free ?? before) - before)
    } else {
      pool.giveBack(states[slot].blocks)
    }
    states[slot].blocks = 0
  }
}
