/// A picture as a value: marks in the data's own coordinates between two axes.
///
/// Every kind of chart (`ChartKinds.swift`) is made of the same few marks, so that one renderer
/// (`ChartRenderer.swift`) draws all of them.
package struct Chart: Sendable {
  /// What it shows, above the picture.
  package var title: String
  /// What is to be seen in it, for those who cannot.
  package var summary: String
  package var x: Axis
  package var y: Axis
  /// Drawn in order; those with a name are in the legend.
  package var series: [Series]
  /// In pixels; the picture scales.
  package var width = 720.0
  package var height = 400.0

  package init(title: String, summary: String, x: Axis, y: Axis, series: [Series]) {
    self.title = title
    self.summary = summary
    self.x = x
    self.y = y
    self.series = series
  }

  package struct Axis: Sendable {
    package enum Scale: Sendable, Equatable {
      case linear
      /// For numbers above 0.
      case logarithmic
      /// Category i lies from i - 1/2 to i + 1/2; the first is leftmost or topmost.
      case categories([String])
    }

    package var title: String
    package var scale: Scale
    /// Of the ticks, which choose their own number of digits.
    package var format: NumberFormat
    /// What is shown; nil for all of the data.
    package var range: ClosedRange<Double>?

    package init(
      _ title: String, scale: Scale = .linear, format: NumberFormat = .fixed(0),
      range: ClosedRange<Double>? = nil
    ) {
      self.title = title
      self.scale = scale
      self.format = format
      self.range = range
    }
  }

  package struct Series: Sendable {
    package var name: String
    package var marks: [Mark]
    package var color: Color

    package init(_ name: String = "", _ color: Color, _ marks: [Mark]) {
      self.name = name
      self.color = color
      self.marks = marks
    }
  }

  package enum Color: Sendable, Equatable {
    /// One of the page's colours, in their order, over and over.
    case ordinal(Int)
    /// For what is only there to be compared with.
    case muted
  }

  package struct Point: Sendable, Equatable {
    package var x: Double
    package var y: Double

    package init(_ x: Double, _ y: Double) {
      self.x = x
      self.y = y
    }
  }

  package enum Mark: Sendable, Equatable {
    /// A filled rectangle; the note shows when it is pointed at.
    case bar(x: ClosedRange<Double>, y: ClosedRange<Double>, note: String)
    case line([Point], dashed: Bool = false)
    /// A point with its name beside it, if it has one.
    case dot(Point, label: String = "")
    /// From one end of an interval to the other.
    case whisker(Point, Point)
    /// Text that begins to the right of a point.
    case text(Point, String)
    /// What lies between two lines over the same places.
    case band(lower: [Point], upper: [Point])
  }
}

extension Chart.Mark {
  /// The points that the axes must reach.
  var extent: [Chart.Point] {
    switch self {
    case .bar(let x, let y, _):
      [Chart.Point(x.lowerBound, y.lowerBound), Chart.Point(x.upperBound, y.upperBound)]
    case .line(let points, _): points
    case .dot(let point, _), .text(let point, _): [point]
    case .whisker(let from, let to): [from, to]
    case .band(let lower, let upper): lower + upper
    }
  }
}
