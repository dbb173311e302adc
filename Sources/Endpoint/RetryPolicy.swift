/// How often and when a request that failed is tried again: exponential back-off with jitter, so
/// that clients which failed together do not come back together.
package struct RetryPolicy: Sendable, Equatable {
  /// Tries of a request in all.
  package var attempts = 10
  /// Seconds before the second try, at most.
  package var firstDelay = 0.5
  /// The most seconds between two tries that the policy chooses by itself.
  package var longestDelay = 60.0
  /// The most seconds that a server may ask for.
  package var longestRetryAfter = 3600.0

  package init() {}

  /// Seconds until the next try.
  ///
  /// - Parameters:
  ///   - failures: of this request so far, at least 1.
  ///   - retryAfter: what the server asked for; zero for nothing.
  ///   - chance: uniform in 0 ..< 1.
  package func delay(failures: Int, retryAfter: Double, chance: Double) -> Double {
    var delay = firstDelay
    for _ in 1..<max(1, failures) where delay < longestDelay { delay *= 2 }
    // Between half and all of it.
    let chosen = min(delay, longestDelay) * (0.5 + 0.5 * chance)
    guard retryAfter > 0 else { return chosen }
    return min(retryAfter, longestRetryAfter) + firstDelay * chance
  }

  /// Whether an answer of this status may be another one later.
  package static func isTemporary(status: Int) -> Bool {
    switch status {
    case 408, 409, 425, 429: true
    case 501, 505: false
    default: status >= 500
    }
  }
}

/// At most so many requests a second, evenly spaced.
package struct RateLimit: Sendable {
  private let spacing: Double
  private var nextStart = 0.0

  /// - Parameter rate: requests a second; nil for any number.
  package init(rate: Double?) {
    spacing = rate.map { 1 / $0 } ?? 0
  }

  /// Seconds from `now` until a request may start.
  package func wait(at now: Double) -> Double { max(0, nextStart - now) }

  /// A request starts.
  package mutating func start(at now: Double) { nextStart = max(now, nextStart) + spacing }
}
