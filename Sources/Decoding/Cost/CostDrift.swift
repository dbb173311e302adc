import Synchronization

/// How costs differ from when they were measured.
///
/// Other programs and machines share the memory, and often the arithmetic units: a forward over few
/// tokens waits for the one, a forward over many for the other, and both change by half and more while
/// a program runs. So `V(n)` is as measured, and `g + b (n - 8)` more: a straight line through what the
/// latest rounds took beyond what they should have (least squares, older rounds counting less, and a
/// few imagined ones that were as measured). Draft steps take a share more or less.
package final class CostDrift: Sendable {
  private let state = Mutex(State())

  private struct State {
    // Weighted sums over rounds: of 1, x, x x, r and x r, for x = n - 8 and r seconds too many.
    var (weight, x, xx, r, xr) = (0.0, 0.0, 0.0, 0.0, 0.0)
    var line = Line()
    var draft = 1.0

    /// V(n) of which `measured` seconds were measured.
    func now(_ measured: Double, _ tokens: Int) -> Double {
      max(measured + line(tokens), measured / 4)
    }
  }

  /// `offset + slope (n - 8)`, in seconds.
  private struct Line {
    var offset = 0.0
    var slope = 0.0

    func callAsFunction(_ tokens: Int) -> Double { offset + slope * CostDrift.place(tokens) }
  }

  /// What a round counts when the next has come.
  private static let memory = 31.0 / 32
  /// Imagined rounds: half a one against an offset; those against a slope count as much as ten rounds
  /// one token from the middle.
  private static let (offsetPrior, slopePrior) = (0.5, 10.0)

  package init() {}

  /// V(n) as it is now.
  package func verify(_ tokens: Int, context: Int, _ costs: CostModel) -> Double {
    let measured = costs.verify(tokens, context: context)
    return state.withLock { $0.now(measured, tokens) }
  }

  /// How many times as long as measured draft steps take now.
  package var draft: Double { state.withLock { $0.draft } }

  /// A forward over so many tokens took so long.
  package func observe(_ tokens: Int, context: Int, seconds: Double, _ costs: CostModel) {
    let measured = costs.verify(tokens, context: context)
    // More tokens never cost less.
    let widest = costs.widest
    let rise =
      (costs.verify(widest, context: context) - costs.verify(1, context: context))
      / Double(max(1, widest - 1))
    state.withLock { state in
      // A forward that was interrupted says little.
      let expected = state.now(measured, tokens)
      let excess = min(max(seconds, expected / 2), 2 * expected) - measured
      let x = Self.place(tokens)
      state.weight = Self.memory * state.weight + 1
      state.x = Self.memory * state.x + x
      state.xx = Self.memory * state.xx + x * x
      state.r = Self.memory * state.r + excess
      state.xr = Self.memory * state.xr + x * excess
      let (a, d) = (state.weight + Self.offsetPrior, state.xx + Self.slopePrior)
      let slope = (a * state.xr - state.x * state.r) / (a * d - state.x * state.x)
      state.line.slope = max(slope, -rise)
      state.line.offset = (state.r - state.x * state.line.slope) / a
    }
  }

  /// Draft steps that should have taken `expected` seconds took `seconds`.
  package func observe(draft seconds: Double, expected: Double) {
    guard expected > 0 else { return }
    state.withLock { state in
      let ratio = min(max(seconds / expected, state.draft / 2, 0.5), 2 * state.draft)
      state.draft += (ratio - state.draft) / 16
    }
  }

  private static func place(_ tokens: Int) -> Double { Double(tokens - 8) }
}
