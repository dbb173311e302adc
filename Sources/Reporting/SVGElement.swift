/// SVG elements as text, coordinates in tenths of a pixel.
enum Element {
  static func number(_ value: Double) -> String {
    let text = NumberFormat.fixed(1).text(value.isFinite ? value : 0)
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }

  static func line(
    _ x0: Double, _ y0: Double, _ x1: Double, _ y1: Double, _ className: String
  ) -> String {
    """
    <line class="\(className)" x1="\(number(x0))" y1="\(number(y0))" \
    x2="\(number(x1))" y2="\(number(y1))"/>
    """
  }

  static func rectangle(
    _ x: Double, _ y: Double, _ width: Double, _ height: Double, _ className: String,
    note: String
  ) -> String {
    let open = """
      <rect class="\(className)" x="\(number(x))" y="\(number(y))" \
      width="\(number(width))" height="\(number(height))"
      """
    return closed(open, "rect", note)
  }

  static func circle(
    _ x: Double, _ y: Double, _ radius: Double, _ className: String, note: String
  ) -> String {
    let open = """
      <circle class="\(className)" cx="\(number(x))" cy="\(number(y))" r="\(number(radius))"
      """
    return closed(open, "circle", note)
  }

  /// Through all of the points that are finite.
  static func path(_ points: [(Double, Double)], _ className: String) -> String {
    let steps = points.filter { $0.0.isFinite && $0.1.isFinite }.enumerated()
      .map { index, point in
        (index == 0 ? "M" : "L") + number(point.0) + " " + number(point.1)
      }
    return "<path class=\"\(className)\" d=\"\(steps.joined())\"/>"
  }

  static func text(
    _ x: Double, _ y: Double, _ text: String, anchor: String, _ className: String = "",
    transform: String = ""
  ) -> String {
    let className = className.isEmpty ? "" : " class=\"\(className)\""
    let transform = transform.isEmpty ? "" : " transform=\"\(transform)\""
    return """
      <text\(className) x="\(number(x))" y="\(number(y))" text-anchor="\(anchor)"\(transform)>\
      \(Markup.escaped(text))</text>
      """
  }

  /// The note shows when the element is pointed at.
  private static func closed(_ open: String, _ name: String, _ note: String) -> String {
    note.isEmpty ? open + "/>" : "\(open)><title>\(Markup.escaped(note))</title></\(name)>"
  }
}

/// Text in pictures, as wide as it is about.
enum Text {
  static let size = 12.0

  static func width(_ text: String) -> Double { Double(text.count) * size * 0.56 }
}

/// Text in HTML and SVG.
enum Markup {
  static func escaped(_ text: String) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      case "\n", "\t": escaped.unicodeScalars.append(scalar)
      // Other control characters are not allowed in XML.
      case _ where scalar.value < 0x20: escaped += "\u{FFFD}"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }
}
