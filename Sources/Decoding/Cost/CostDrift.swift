import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// How much longer verifications take now than when the costs were measured.
///
/// A forward over few tokens waits for memory, whose speed other programs share; one over many waits
/// for arithmetic. So their ratio, which decides how long a draft pays, changes while a program runs.
/// Each round tells of its own width, and, the less the farther away, of the others.
package final class CostDrift: Sendable {
  private let factors = Mutex([Double](repeating: 1, count: 33))
  /// Of what a round says of its own width, and the widths after which that falls to a third.
  private static let (rate, reach) = (1.0 / 16, 3.0)

  package init() {}

  /// By which V(n) is to be multiplied.
  func factor(_ tokens: Int) -> Double {
    factors.withLock { $0[min(max(tokens, 0), $0.count - 1)] }
  }

  /// A forward over so many tokens was expected to take so long.
  func observe(_ tokens: Int, seconds: Double, expected: Double) {
    guard tokens > 0, seconds > 0, expected > 0 else { return }
    // A forward that was interrupted says little.
    let ratio = min(max(seconds / expected, 0.5), 2)
    factors.withLock { factors in
      for width in factors.indices {
        let distance = Double((width - tokens).magnitude)
        factors[width] += Self.rate * exp(-distance / Self.reach) * (ratio - factors[width])
      }
    }
  }
}
