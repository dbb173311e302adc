/// Who may come in, given what those who run will need of the cache.
///
/// The scheduler itself sees to it that what is known of a request fits; a policy looks further.
/// When nothing runs, whatever fits is admitted without asking, so that no policy can stall a run.
package protocol AdmissionPolicy: Sendable {
  /// What reports call it.
  var name: String { get }

  /// Whether it asks for predicted lengths.
  var usesPredictions: Bool { get }

  /// Whether `candidate` may join `running`.
  func admits(
    _ candidate: RequestState, beside running: RunningRequests, cache: BlockPool
  ) -> Bool

  /// Steps after which a refused request is looked at again although nobody came or went.
  var reviewInterval: Int { get }

  /// How many waiting requests behind the first that does not fit are looked at in a step, those
  /// that fit getting in before it; 0 where it blocks the queue.
  var reach: Int { get }

  /// A request ended with this many tokens: what policies that learn from the past go by.
  mutating func finished(length: Int)
}

extension AdmissionPolicy {
  package var usesPredictions: Bool { true }
  package var reviewInterval: Int { .max }
  package var reach: Int { 0 }
  package mutating func finished(length: Int) {}
}

/// The running requests, in the order in which they were admitted.
package struct RunningRequests: RandomAccessCollection {
  let states: [RequestState]
  let slots: [Int]

  package var startIndex: Int { 0 }
  package var endIndex: Int { slots.count }
  package subscript(index: Int) -> RequestState { states[slots[index]] }
}
