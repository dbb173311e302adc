/// Who runs sooner.
///
/// A policy gives every request a key; the waiting queue is ordered by it, lowest first, ties by
/// arrival and then by id. Adding a policy takes one file in `Ordering` and its line in the table
/// of the command line.
package protocol OrderingPolicy: Sendable {
  /// What reports call it.
  var name: String { get }

  /// Whether it asks for predicted lengths.
  var usesPredictions: Bool { get }

  /// The request's place in the order: lower is sooner. Asked when it joins the waiting queue, when
  /// its key no longer holds, and for running requests when a victim is sought.
  func key(of request: RequestState, at now: Time) -> Double

  /// The last moment at which a waiting request's key is what it is now. (Ageing that gives every
  /// request the same per second can be written as a key that always holds.)
  func keyHolds(of request: RequestState, at now: Time) -> Time

  /// Whether a key belongs to the client: all its requests have the same, and service raises it.
  var keyIsClients: Bool { get }

  /// Who loses its blocks when the cache is full.
  var victim: VictimRule { get }

  /// Whether waiting requests may take a running one's place.
  var isPreemptive: Bool { get }

  /// Whether `waiting` should take the place of `running`; asked only of preemptive policies, and
  /// only when `waiting` cannot get in otherwise.
  func displaces(_ waiting: RequestState, _ running: RequestState, at now: Time) -> Bool

  /// Steps after which the waiting queue is looked at again although nobody came or went.
  var reviewInterval: Int { get }

  /// Whether the three calls below are wanted.
  var accountsService: Bool { get }
  /// A request joined.
  mutating func submitted(_ request: RequestState)
  /// A request was given this many tokens' work.
  mutating func served(_ request: RequestState, input: Int, output: Int)
  /// A request left, finished or not.
  mutating func departed(_ request: RequestState)
}

/// Who is preempted when a running request needs a block and none is left.
package enum VictimRule: Sendable {
  /// The one that was admitted last: vLLM's `fcfs`.
  case lastAdmitted
  /// The one with the highest key: vLLM's `priority`.
  case leastUrgent
}

extension OrderingPolicy {
  package var usesPredictions: Bool { true }
  package func keyHolds(of request: RequestState, at now: Time) -> Time { .never }
  package var keyIsClients: Bool { false }
  package var victim: VictimRule { .leastUrgent }
  package var isPreemptive: Bool { false }
  package var reviewInterval: Int { .max }
  package var accountsService: Bool { false }

  package func displaces(
    _ waiting: RequestState, _ running: RequestState, at now: Time
  ) -> Bool { false }

  package mutating func submitted(_ request: RequestState) {}
  package mutating func served(_ request: RequestState, input: Int, output: Int) {}
  package mutating func departed(_ request: RequestState) {}
}

/// Which number of a predicted distribution is meant by "the predicted length".
package enum LengthStatistic: Equatable, Sendable {
  case mean
  case quantile(Double)
  /// E[X] + weight * E[X | X among the longest tenth]: an order that minds the tail.
  case tail(weight: Double)

  /// Tokens of the whole answer; infinite without a prediction, so that it goes last.
  package func length(_ request: RequestState) -> Double {
    guard let prediction = request.prediction else { return .infinity }
    switch self {
    case .mean: return prediction.expectedRemaining()
    case .quantile(let level): return prediction.quantile(level)
    case .tail(let weight):
      return prediction.expectedRemaining() + weight * prediction.tailMean
    }
  }

  /// Tokens that are left, given those that are out; at least 1.
  package func remaining(_ request: RequestState) -> Double {
    guard let prediction = request.prediction else { return .infinity }
    switch self {
    case .mean: return prediction.expectedRemaining(after: Double(request.generated))
    case .quantile(let level): return prediction.remaining(level, after: request.generated)
    case .tail(let weight):
      let done = Double(request.generated)
      return prediction.expectedRemaining(after: done)
        + weight * max(0, prediction.tailMean - done)
    }
  }
}
