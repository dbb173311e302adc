import Testing

@testable import Workload

@Suite("Sanitising")
struct SanitisingTests {
  @Test("an ordinary row stays as it is, up to the last length below the cap")
  func sound() {
    #expect(Sanitising.verdict(Rows.row(sizes: [14_998, 14_000])) == .sound)
    // Scattered, but not long enough to be suspect.
    let scattered = Rows.row(sizes: [8499] + Array(repeating: 1, count: 9))
    #expect(scattered.statistics.standardDeviation > 2 * scattered.statistics.mean)
    #expect(Sanitising.verdict(scattered) == .sound)
  }

  @Test("capped draws are left out and the statistics made again, unrounded")
  func capped() {
    let row = Rows.row(sizes: [15_001, 9000, 9001, 9001])
    guard case .mended(let mended) = Sanitising.verdict(row) else {
      Issue.record("not mended")
      return
    }
    #expect(mended.outputSizes == [9000, 9001, 9001])
    #expect(mended.statistics.mean == 27_002.0 / 3)
    #expect(mended.longestResponse == nil)
  }

  @Test("a scattered row is cut at the lower limit, capped or not")
  func scattered() {
    let sizes = [15_001, 8500] + Array(repeating: 10, count: 8)
    guard case .mended(let mended) = Sanitising.verdict(Rows.row(sizes: sizes)) else {
      Issue.record("not mended")
      return
    }
    #expect(mended.outputSizes == Array(repeating: 10, count: 8))
  }

  @Test("a row of which nothing is left counts as degenerate and is dropped")
  func hopeless() {
    let rows = [
      Rows.row(sizes: [15_001, 14_999]), Rows.row(sizes: [5, 6]), Rows.row(sizes: [15_001, 5]),
    ]
    let result = SanitisedRows(rows)
    #expect(result.sanitised.map(\.outputSizes) == [[5, 6], [5]])
    #expect(result.degenerate == [rows[0], rows[2]])
    #expect(result.droppedCount == 1)
  }

  @Test("the longest answer's text goes with it")
  func text() {
    var row = Rows.row(sizes: [15_001, 5])
    row.longestResponse = "la la la"
    guard case .mended(let mended) = Sanitising.verdict(row) else {
      Issue.record("not mended")
      return
    }
    #expect(mended.longestResponse == "TEXT DEGENERATION")
  }
}
