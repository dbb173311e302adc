/// What the simulated engine knows and the scheduler does not: how long each answer becomes.
struct SlotLengths: Sendable {
  private struct Slot: Sendable {
    var request: Request
    /// Tokens of the answer that are still to come.
    var left: Int
    var rate: Double
    /// When its last token came; `nil` before the first.
    var lastToken: Time?
  }

  private var slots: [Slot] = []

  mutating func set(_ slot: Int, _ request: Request, rate: Double) {
    let entry = Slot(request: request, left: request.outputLength, rate: rate, lastToken: nil)
    // Slots are given out densely: a new one is the next.
    if slot < slots.count { slots[slot] = entry } else { slots.append(entry) }
  }

  func request(_ slot: Int) -> Request { slots[slot].request }
  func rate(_ slot: Int) -> Double { slots[slot].rate }
  func left(_ slot: Int) -> Int { slots[slot].left }

  /// The fewest tokens that any request of the plan still has to come.
  func leastLeft(_ plan: StepPlan) -> Int {
    var least = Int.max
    for entry in plan.entries { least = min(least, slots[entry.slot].left) }
    return least
  }

  /// Tokens came; `true` if they were the last.
  mutating func produce(_ slot: Int, _ tokens: Int, at now: Time) -> Bool {
    slots[slot].left -= tokens
    slots[slot].lastToken = now
    return slots[slot].left <= 0
  }

  mutating func advance(_ plan: StepPlan, by count: Int, to now: Time) {
    for entry in plan.entries {
      slots[entry.slot].left -= count
      slots[entry.slot].lastToken = now
    }
  }

  /// The time from a request's last token to one at `end`, if there is to be one and was one.
  func gap(_ slot: Int, to end: Time, isComplete: Bool) -> Time? {
    guard isComplete, let last = slots[slot].lastToken else { return nil }
    return end - last
  }
}
