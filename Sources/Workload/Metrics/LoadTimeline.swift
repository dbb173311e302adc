/// How long the queue was and how full the cache, over the time of a run: means over equal spans,
/// as many as are wanted however long the run becomes.
package struct LoadTimeline: SimulationObserver, Sendable {
  /// Sums over one span.
  private struct Span: Sendable {
    var seconds = 0.0
    var waiting = 0.0
    var blocks = 0.0
  }

  private var spans: [Span]
  /// Seconds of a span; doubles whenever the run has outgrown them all.
  private var width = 1.0

  /// - Parameter spans: the most that there will be; at least half as many are used, in a run of
  ///   so many seconds or more.
  package init(spans count: Int = 200) {
    spans = Array(repeating: Span(), count: max(2, count / 2 * 2))
  }

  package mutating func observe(_ run: StepRun) {
    while run.end.seconds > width * Double(spans.count) { fold() }
    var start = run.start.seconds
    let (end, whole) = (run.end.seconds, (run.end - run.start).seconds)
    let growth = Double(run.blocksAfter - run.blocksBefore)
    while start < end {
      let index = min(spans.count - 1, Int(start / width))
      let stop = min(end, Double(index + 1) * width)
      // A span ends where a double can still tell it from its start.
      let next = stop > start ? stop : end
      let middle = ((start + next) / 2 - run.start.seconds) / whole
      spans[index].seconds += next - start
      spans[index].waiting += (next - start) * Double(run.waiting)
      spans[index].blocks += (next - start) * (Double(run.blocksBefore) + growth * middle)
      start = next
    }
  }

  private mutating func fold() {
    let half = spans.count / 2
    for index in 0..<half {
      let (first, second) = (spans[2 * index], spans[2 * index + 1])
      spans[index] = Span(
        seconds: first.seconds + second.seconds, waiting: first.waiting + second.waiting,
        blocks: first.blocks + second.blocks)
    }
    for index in half..<spans.count { spans[index] = Span() }
    width *= 2
  }

  /// The mean of a span, at its middle.
  package struct Point: Equatable, Sendable {
    package var seconds: Double
    package var waiting: Double
    package var blocks: Double
  }

  /// Up to the last span in which something ran; an engine that idles has nobody waiting and no
  /// block in use.
  package var points: [Point] {
    let used = (spans.lastIndex { $0.seconds > 0 } ?? -1) + 1
    return spans[..<used].enumerated().map { index, span in
      Point(
        seconds: (Double(index) + 0.5) * width, waiting: span.waiting / width,
        blocks: span.blocks / width)
    }
  }
}
