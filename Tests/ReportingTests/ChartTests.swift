import Reporting
import Testing

@Suite struct ChartTests {
  static let bars = Chart.bars(
    title: "Speedup & more", summary: "One bar.",
    value: Chart.Axis("over plain", format: .times(2)), categories: ["fixed-3"],
    groups: [("T = 0", [Estimate(value: 1.5, low: 1, high: 2)])], reference: 1)

  @Test func `A bar chart is a bar, its interval, its number and the line to compare with`() {
    let svg = Self.bars.svg(id: "f")
    #expect(svg.hasPrefix("<svg id=\"f\" viewBox=\"0 0 560 118\" role=\"img\""))
    #expect(svg.contains("<title id=\"f-title\">Speedup &amp; more</title>"))
    #expect(svg.contains("<desc id=\"f-desc\">One bar.</desc>"))
    #expect(
      svg.contains(
        """
        <g class="series-0">
        <rect class="bar" x="
        """))
    #expect(svg.contains("<title>fixed-3, T = 0: 1.50x</title></rect>"))
    #expect(svg.components("<line class=\"whisker\"") == 3)
    #expect(svg.contains(">1.50x</text>"))
    #expect(svg.components("class=\"line dashed\"") == 1)
    // One series needs no legend, so the only rectangle is the bar.
    #expect(svg.components("<rect") == 1)
  }

  @Test func `Places in the data become places in the picture`() throws {
    var chart = Chart(
      title: "", summary: "", x: Chart.Axis("", range: 0...10), y: Chart.Axis("", range: 0...1),
      series: [Chart.Series("", .ordinal(0), [.line([.init(0, 0), .init(5, 0.5), .init(10, 1)])])])
    chart.width = 300
    let (x, y) = try Self.path(in: chart.svg(id: "a"))
    #expect(abs((x[1] - x[0]) - (x[2] - x[1])) < 0.2 && x[1] > x[0])
    #expect(abs((y[0] - y[1]) - (y[1] - y[2])) < 0.2 && y[1] < y[0])
  }

  @Test func `On a logarithmic axis equal factors are equal distances`() throws {
    let chart = Chart(
      title: "", summary: "", x: Chart.Axis("", scale: .logarithmic, range: 1...100),
      y: Chart.Axis("", range: 0...1),
      series: [Chart.Series("", .ordinal(0), [.line([.init(1, 0), .init(10, 0), .init(100, 0)])])])
    let svg = chart.svg(id: "a")
    let (x, _) = try Self.path(in: svg)
    #expect(abs((x[1] - x[0]) - (x[2] - x[1])) < 0.2)
    for label in ["1", "10", "100"] { #expect(svg.contains(">\(label)</text>")) }
  }

  @Test(
    "Ticks are round numbers with the digits that tell them apart",
    arguments: [
      (0.0, 2.2, NumberFormat.times(2), ["0.0x", "0.5x", "1.0x", "1.5x", "2.0x", "2.5x"]),
      (0, 0.04, .percent(1), ["0 %", "1 %", "2 %", "3 %", "4 %"]),
      (100, 1900, .fixed(0), ["0", "500", "1000", "1500", "2000"]),
    ])
  func ticks(_ low: Double, _ high: Double, _ format: NumberFormat, _ labels: [String]) {
    let chart = Chart(
      title: "", summary: "", x: Chart.Axis("", format: format), y: Chart.Axis("", range: 0...1),
      series: [Chart.Series("", .ordinal(0), [.line([.init(low, 0), .init(high, 0)])])])
    let svg = chart.svg(id: "a")
    for label in labels { #expect(svg.contains(">\(label)</text>"), "\(label)") }
  }

  @Test func `A chart of nothing, of one point and of impossible numbers is still a picture`() {
    let axis = Chart.Axis("")
    let log = Chart.Axis("", scale: .logarithmic)
    for points in [
      [], [Chart.Point(1, 1)], [Chart.Point(.nan, .infinity), Chart.Point(0, -1)],
      [Chart.Point(1e300, 1e300), Chart.Point(-1e300, 5)],
    ] {
      for x in [axis, log] {
        let chart = Chart.scatter(
          title: "", summary: "", x: x, y: axis, [("", true, points.map { ($0, "name") })])
        let svg = chart.svg(id: "a")
        #expect(svg.hasSuffix("</svg>") && !svg.contains("nan") && !svg.contains("inf\""))
      }
    }
  }

  @Test func `Names beside points do not cover each other where there is room`() throws {
    let points = (0..<4).map { (Chart.Point(1, 1 + 0.01 * Double($0)), "policy-\($0)") }
    let chart = Chart.scatter(
      title: "", summary: "", x: Chart.Axis("", range: 0...2), y: Chart.Axis("", range: 0...2),
      [("", false, points)])
    let svg = chart.svg(id: "a")
    let places = Set(
      svg.split(separator: "\n").filter { $0.hasPrefix("<text") && $0.contains(">policy-") }.map {
        $0.split(separator: "\"").prefix(4).joined()
      })
    #expect(places.count == 4)
  }

  @Test func `Stacked parts begin where the part before ends`() {
    let chart = Chart.stackedBars(
      title: "", summary: "", value: Chart.Axis("", range: 0...10), categories: ["a"],
      parts: [("draft", [2]), ("verify", [3])])
    #expect(chart.series.map(\.name) == ["draft", "verify"])
    guard case .bar(let first, _, _) = chart.series[0].marks[0],
      case .bar(let second, _, _) = chart.series[1].marks[0]
    else {
      Issue.record("the parts are not bars")
      return
    }
    #expect(first == 0...2 && second == 2...5)
  }

  @Test func `A histogram counts every number once`() {
    let chart = Chart.histogram(
      title: "", summary: "", x: Chart.Axis(""), y: Chart.Axis(""),
      Sample([0, 1, 1, 2, 9, 10]), binCount: 5)
    let counts = chart.series[0].marks.map { mark -> Double in
      if case .bar(_, let y, _) = mark { return y.upperBound } else { return -1 }
    }
    #expect(counts == [3, 1, 0, 0, 2])
  }

  @Test func `A cumulative share climbs to one by steps`() {
    let chart = Chart.cumulative(
      title: "", summary: "", x: Chart.Axis(""), [("", Sample([1, 3]))])
    #expect(
      chart.series[0].marks == [.line([.init(1, 0), .init(1, 0.5), .init(3, 0.5), .init(3, 1)])])
  }

  @Test func `A reliability diagram has the line of agreement and a point for each bin`() {
    let chart = Chart.reliability(
      title: "", summary: "", predicted: "said", observed: "came true",
      [("head", Reliability(predictions: [0.1, 0.9], outcomes: [0, 1]))])
    #expect(chart.series[0].color == .muted)
    #expect(chart.series[1].marks.contains(.dot(.init(0.9, 1))))
  }

  /// The coordinates of the first path.
  private static func path(in svg: String) throws -> (x: [Double], y: [Double]) {
    let line = try #require(svg.split(separator: "\n").first { $0.hasPrefix("<path") })
    let numbers = line.split { !"0123456789.-".contains($0) }.compactMap { Double($0) }
    return (
      stride(from: 0, to: numbers.count, by: 2).map { numbers[$0] },
      stride(from: 1, to: numbers.count, by: 2).map { numbers[$0] }
    )
  }
}

extension String {
  /// How often a text is in this one.
  func components(_ text: String) -> Int { ranges(of: text).count }
}
