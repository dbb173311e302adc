/// Changes to a trace on its way to a study, in this order: window, thinning, time scale, clipping.
/// It counts what it changed, so that a report can say so.
package struct TraceTransform: Sendable {
  /// Only requests that arrive in here are kept; the window's start becomes time zero.
  package var window: Range<Time> = .zero..<Time.never
  /// The chance that a request is kept: lowers the rate and keeps the bursts' shape.
  package var keepShare = 1.0
  /// Arrivals are multiplied by this: 0.5 doubles the rate and quickens the bursts too.
  package var timeScale = 1.0
  /// The longest prompt; a longer one is cut.
  package var longestInput = Int.max
  /// The longest answer; a longer one is cut.
  package var longestOutput = Int.max
  /// The most tokens of prompt and answer together; the prompt is cut first, as Vidur does.
  package var longestTotal = Int.max
  /// The most requests let through.
  package var limit = Int.max
  package var seed: UInt64 = 0

  package init() {}

  /// What the transform did.
  package struct Counts: Equatable, Sendable {
    package var kept = 0
    package var outsideWindow = 0
    package var thinned = 0
    package var clippedInputs = 0
    package var clippedOutputs = 0
  }

  /// - Throws: `.invalidSetting` for a scale or share that makes no sense.
  package func validate() throws(WorkloadError) {
    func wrong(_ problem: String) -> WorkloadError {
      WorkloadError(.invalidSetting, source: "trace options", problem: problem)
    }
    guard keepShare > 0, keepShare <= 1 else { throw wrong("the share kept must be in (0, 1]") }
    guard timeScale > 0, timeScale.isFinite else { throw wrong("the time scale must be above 0") }
    guard longestInput >= 1, longestOutput >= 1, longestTotal >= 2 else {
      throw wrong("clipping must leave a token of prompt and one of answer")
    }
  }
}

/// A source seen through a transform.
package struct TransformedRequests<Base: RequestSource>: RequestSource {
  package private(set) var base: Base
  package let transform: TraceTransform
  package private(set) var counts = TraceTransform.Counts()
  private var random: RandomSource

  package init(_ base: Base, _ transform: TraceTransform) throws(WorkloadError) {
    try transform.validate()
    self.base = base
    self.transform = transform
    random = RandomSource(seed: transform.seed)
  }

  package mutating func next() throws(WorkloadError) -> Request? {
    while counts.kept < transform.limit, var request = try base.next() {
      if request.arrival >= transform.window.upperBound { return nil }
      guard request.arrival >= transform.window.lowerBound else {
        counts.outsideWindow += 1
        continue
      }
      guard transform.keepShare == 1 || random.uniform() < transform.keepShare else {
        counts.thinned += 1
        continue
      }
      request.id = counts.kept
      let offset = request.arrival - transform.window.lowerBound
      request.arrival =
        transform.timeScale == 1 ? offset : Time(seconds: offset.seconds * transform.timeScale)
      clip(&request)
      counts.kept += 1
      return request
    }
    return nil
  }

  private mutating func clip(_ request: inout Request) {
    let output = min(request.outputLength, transform.longestOutput, transform.longestTotal - 1)
    let input = min(
      request.inputLength, transform.longestInput, transform.longestTotal - output)
    counts.clippedInputs += input < request.inputLength ? 1 : 0
    counts.clippedOutputs += output < request.outputLength ? 1 : 0
    request.inputLength = input
    request.outputLength = output
  }
}
