#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

extension Chart {
  /// The picture as an SVG element. Its colours are classes of the page's stylesheet (`Page`).
  ///
  /// - Parameter id: of the element, with which its title and description are tied to it.
  package func svg(id: String) -> String {
    var renderer = ChartRenderer(chart: self)
    let height = NumberFormat.fixed(0).text(renderer.height)
    return """
      <svg id="\(id)" viewBox="0 0 \(NumberFormat.fixed(0).text(width)) \(height)" role="img" \
      aria-labelledby="\(id)-title \(id)-desc">
      <title id="\(id)-title">\(Markup.escaped(title))</title>
      <desc id="\(id)-desc">\(Markup.escaped(summary))</desc>
      \(renderer.body())</svg>
      """
  }
}

extension Chart {
  /// The picture as a file of its own, in light or dark as its reader has it.
  package func svgFile() -> String {
    let picture = svg(id: "chart")
    let open = "<svg "
    let style = "<style>\n\(Page.stylesheet)svg { background: var(--paper); }</style>\n"
    guard let end = picture.firstIndex(of: ">"), picture.hasPrefix(open) else { return picture }
    return "<svg xmlns=\"http://www.w3.org/2000/svg\" " + picture[..<end].dropFirst(open.count)
      + ">\n" + style + picture[picture.index(after: end)...].drop { $0 == "\n" } + "\n"
  }
}

/// Turns data coordinates into pixels, once, for every kind of chart.
private struct ChartRenderer {
  let chart: Chart
  let height: Double
  private let x: Projection
  private let y: Projection
  private let legend: [LegendEntry]
  private var labels: LabelPlacement

  init(chart: Chart) {
    self.chart = chart
    let marks = chart.series.flatMap(\.marks)
    let extent = marks.flatMap(\.extent)
    let xTicks = AxisTicks(chart.x, values: extent.map(\.x), count: 7)
    let yTicks = AxisTicks(chart.y, values: extent.map(\.y), count: 6)

    legend = LegendEntry.layout(chart.series, width: chart.width)
    let legendHeight = (legend.map(\.y).max() ?? -14) + 20
    let yLabels = yTicks.ticks.map { Text.width($0.label) }.max() ?? 0
    let left = yLabels + (chart.y.title.isEmpty ? 12 : 34)
    // Texts that begin at a point need room behind the last of it.
    let right = max(18, (marks.map(\.trailingWidth).max() ?? 0) + 14)
    height = chart.height + legendHeight
    let bottom = height - (chart.x.title.isEmpty ? 26 : 46)
    let isUpright = if case .categories = chart.y.scale { false } else { true }
    x = Projection(chart.x, xTicks, from: left, to: chart.width - right)
    y =
      isUpright
      ? Projection(chart.y, yTicks, from: bottom, to: legendHeight + 8)
      : Projection(chart.y, yTicks, from: legendHeight + 8, to: bottom)
    labels = LabelPlacement(x: left...chart.width, y: legendHeight...bottom)
    for case .dot(let point, let label) in marks where !label.isEmpty {
      labels.avoid(x(point.x), y(point.y))
    }
    for case .line(let points, _) in marks {
      let places = points.map { (x: x($0.x), y: y($0.y)) }
      for (start, end) in zip(places, places.dropFirst()) { labels.avoid(from: start, to: end) }
    }
  }

  mutating func body() -> String {
    var lines = legend.map(\.element)
    lines += grid + axisTitles
    for series in chart.series {
      lines.append("<g class=\"\(series.color.className)\">")
      for mark in series.marks { lines += elements(mark) }
      lines.append("</g>")
    }
    return lines.map { $0 + "\n" }.joined()
  }

  // MARK: - Axes

  private var grid: [String] {
    let (left, right) = (min(x.from, x.to), max(x.from, x.to))
    let (top, bottom) = (min(y.from, y.to), max(y.from, y.to))
    let upright = x.ticks.flatMap { tick -> [String] in
      let place = x(tick.value)
      let line = x.isCategorical ? [] : [Element.line(place, top, place, bottom, "grid")]
      return line + [Element.text(place, bottom + 16, tick.label, anchor: "middle")]
    }
    let level = y.ticks.flatMap { tick -> [String] in
      let place = y(tick.value)
      let line = y.isCategorical ? [] : [Element.line(left, place, right, place, "grid")]
      return line + [Element.text(left - 8, place + 4, tick.label, anchor: "end")]
    }
    return upright + level + [
      Element.line(left, bottom, right, bottom, "axis"),
      Element.line(left, top, left, bottom, "axis"),
    ]
  }

  private var axisTitles: [String] {
    var titles: [String] = []
    if !chart.x.title.isEmpty {
      titles.append(
        Element.text(
          (x.from + x.to) / 2, height - 8, chart.x.title, anchor: "middle", "axis-title"))
    }
    if !chart.y.title.isEmpty {
      titles.append(
        Element.text(
          0, 0, chart.y.title, anchor: "middle", "axis-title",
          transform: "translate(12 \(Element.number((y.from + y.to) / 2))) rotate(-90)"))
    }
    return titles
  }

  // MARK: - Marks

  private mutating func elements(_ mark: Chart.Mark) -> [String] {
    switch mark {
    case .bar(let xs, let ys, let note):
      let (x0, x1) = (x(xs.lowerBound), x(xs.upperBound))
      let (y0, y1) = (y(ys.lowerBound), y(ys.upperBound))
      return [
        Element.rectangle(
          min(x0, x1), min(y0, y1), abs(x1 - x0), abs(y1 - y0), "bar", note: note)
      ]
    case .line(let points, let dashed):
      return [Element.path(points.map(pixels), dashed ? "line dashed" : "line")]
    case .band(let lower, let upper):
      return [Element.path((lower + upper.reversed()).map(pixels), "band")]
    case .whisker(let from, let to):
      let ((x0, y0), (x1, y1)) = (pixels(from), pixels(to))
      // Caps at right angles to the whisker.
      let (capX, capY) = y0 == y1 ? (0.0, 3.0) : (3.0, 0.0)
      return [
        Element.line(x0, y0, x1, y1, "whisker"),
        Element.line(x0 - capX, y0 - capY, x0 + capX, y0 + capY, "whisker"),
        Element.line(x1 - capX, y1 - capY, x1 + capX, y1 + capY, "whisker"),
      ]
    case .text(let point, let text):
      let (px, py) = pixels(point)
      return [Element.text(px + 6, py + 4, text, anchor: "start", "value")]
    case .dot(let point, let label):
      let (px, py) = pixels(point)
      guard px.isFinite, py.isFinite else { return [] }
      let note = [label, "\(chart.x.format.text(point.x)), \(chart.y.format.text(point.y))"]
      let dot = Element.circle(
        px, py, 4, "dot", note: note.filter { !$0.isEmpty }.joined(separator: ": "))
      guard !label.isEmpty else { return [dot] }
      let place = labels.place(label, beside: px, py)
      let leader = place.isFar ? [Element.line(px, py, place.x, place.y - 4, "leader")] : []
      return leader + [dot, Element.text(place.x, place.y, label, anchor: place.anchor)]
    }
  }

  private func pixels(_ point: Chart.Point) -> (Double, Double) { (x(point.x), y(point.y)) }
}

/// From an axis to pixels.
private struct Projection {
  let ticks: [AxisTicks.Tick]
  let isCategorical: Bool
  let from: Double
  let to: Double
  private let range: ClosedRange<Double>
  private let isLogarithmic: Bool

  init(_ axis: Chart.Axis, _ ticks: AxisTicks, from: Double, to: Double) {
    self.ticks = ticks.ticks
    self.from = from
    self.to = to
    range = ticks.range
    isLogarithmic = axis.scale == .logarithmic
    isCategorical = if case .categories = axis.scale { true } else { false }
  }

  /// What lies outside the range is drawn on its edge.
  func callAsFunction(_ value: Double) -> Double {
    let inside = min(max(value, range.lowerBound), range.upperBound)
    let share =
      isLogarithmic
      ? log(inside / range.lowerBound) / log(range.upperBound / range.lowerBound)
      : (inside - range.lowerBound) / (range.upperBound - range.lowerBound)
    return from + share * (to - from)
  }
}

/// A named series in the legend, in rows above the picture.
private struct LegendEntry {
  let series: Chart.Series
  let x: Double
  let y: Double

  static func layout(_ series: [Chart.Series], width: Double) -> [LegendEntry] {
    var entries: [LegendEntry] = []
    var (x, y) = (8.0, 6.0)
    for series in series where !series.name.isEmpty {
      let needed = Text.width(series.name) + 34
      if x + needed > width, x > 8 { (x, y) = (8, y + 20) }
      entries.append(LegendEntry(series: series, x: x, y: y))
      x += needed
    }
    return entries
  }

  var element: String {
    "<g class=\"\(series.color.className)\">"
      + Element.rectangle(x, y, 12, 12, "bar", note: "")
      + Element.text(x + 18, y + 10, series.name, anchor: "start") + "</g>"
  }
}

extension Chart.Mark {
  /// How far the mark reaches beyond its points, to the right.
  fileprivate var trailingWidth: Double {
    if case .text(_, let text) = self { Text.width(text) } else { 0 }
  }
}

extension Chart.Color {
  fileprivate var className: String {
    switch self {
    case .ordinal(let index): "series-\(index % 8)"
    case .muted: "muted"
    }
  }
}
