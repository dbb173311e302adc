import Synchronization

/// How the speed of memory differs from when the costs were measured.
///
/// A forward over few tokens waits for memory, which other programs and machines share; one over many
/// waits for arithmetic, which they hardly touch. So the first costs change while a program runs, by
/// half and more, and with them how long a draft pays. What changes is the floor below which no
/// forward comes: `V(n)` becomes `max(V(n), V(1) + d)`, or for faster memory the mirror image.
package final class CostDrift: Sendable {
  /// d, in seconds.
  private let floor = Mutex(0.0)
  private static let rate = 1.0 / 8
  /// What a forward may differ by without saying anything.
  private static let tolerance = 0.08

  package init() {}

  /// V(n) as it is now.
  package func verify(_ tokens: Int, context: Int, _ costs: CostModel) -> Double {
    Self.verify(
      costs.verify(tokens, context: context), one: costs.verify(1, context: context),
      floor.withLock { $0 })
  }

  private static func verify(_ measured: Double, one: Double, _ floor: Double) -> Double {
    let above = measured - one
    return floor >= 0 ? max(measured, one + floor) : measured - max(0, -floor - above)
  }

  /// A forward over so many tokens took so long.
  package func observe(_ tokens: Int, context: Int, seconds: Double, _ costs: CostModel) {
    let (measured, one) = (
      costs.verify(tokens, context: context), costs.verify(1, context: context)
    )
    // A forward that was interrupted says little.
    let seconds = min(max(seconds, measured / 2), 2 * measured)
    floor.withLock { floor in
      let now = Self.verify(measured, one: one, floor)
      if now != measured {
        floor += Self.rate * (seconds - now)
      } else if seconds > (1 + Self.tolerance) * measured {
        floor += Self.rate * (seconds - one - floor)
      } else if seconds < (1 - Self.tolerance) * measured {
        floor += Self.rate * (seconds - measured)
      } else {
        // As measured: what the floor was is forgotten.
        floor -= Self.rate / 4 * floor
      }
    }
  }
}
