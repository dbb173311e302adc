import Decoding
import Support
import Testing

@Suite struct OracleTests {
  /// V(n) with a step, as tiles make them.
  static let costs = CostModel(draftStep: 1, verify: [4, 5, 6, 9, 10], overhead: 0.5)

  @Test func `A draft that is always right is used to the end`() {
    // Nine tokens after the first: three rounds of 2 candidates, 2 + 6 + 0.5 each. One of 4 and one of
    // 3 would take 4 + 10 + 0.5 and 3 + 9 + 0.5.
    let seconds = Oracle(costs: Self.costs, most: 4).seconds(
      keeps: [Bool](repeating: true, count: 10), promptCount: 5)
    #expect(seconds == 25.5)
    // By V(n) past the widest measured, one round of 8 can still be better: 8 + 15 + 0.5.
    let flat = CostModel(draftStep: 1, verify: [4, 5, 6, 9, 9], overhead: 0.5)
    #expect(
      Oracle(costs: flat).seconds(
        keeps: [Bool](repeating: true, count: 10), promptCount: 5) == 23.5)
  }

  @Test func `A draft that is never right is never asked`() {
    let oracle = Oracle(costs: Self.costs)
    #expect(oracle.seconds(keeps: [Bool](repeating: false, count: 7), promptCount: 0) == 6 * 4.5)
    #expect(oracle.seconds(keeps: [true], promptCount: 0) == 0)
    #expect(oracle.seconds(keeps: [], promptCount: 0) == 0)
  }

  @Test("No way to cut a text into rounds is faster", arguments: 0..<20 as Range<UInt64>)
  func exhaustive(_ seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let keeps = (0..<11).map { _ in Double.random(in: 0..<1, using: &generator) < 0.7 }
    let oracle = Oracle(costs: Self.costs)
    /// The best of all ways from a place on, tried one by one.
    func best(_ done: Int) -> Double {
      guard done < keeps.count else { return 0 }
      var least = Double.infinity
      for drafted in 0..<keeps.count - done {
        if drafted > 0, !keeps[done + drafted - 1] { break }
        least = min(
          least,
          oracle.roundSeconds(drafting: drafted, context: done) + best(done + drafted + 1))
      }
      return least
    }
    #expect(abs(oracle.seconds(keeps: keeps, promptCount: 0) - best(1)) < 1e-12)
  }
}
