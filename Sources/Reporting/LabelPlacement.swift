/// Finds a place for the name of each point where it covers no point and no other name.
struct LabelPlacement {
  private struct Box {
    var x: Double
    var y: Double
    var width: Double
    var height: Double

    func overlap(_ other: Box) -> Double {
      let width = min(x + width, other.x + other.width) - max(x, other.x)
      let height = min(y + height, other.y + other.height) - max(y, other.y)
      return max(0, width) * max(0, height)
    }
  }

  private var taken: [Box] = []
  private let area: Box

  init(x: ClosedRange<Double>, y: ClosedRange<Double>) {
    area = Box(
      x: x.lowerBound, y: y.lowerBound, width: x.upperBound - x.lowerBound,
      height: y.upperBound - y.lowerBound)
  }

  /// A point that no name should cover.
  mutating func avoid(_ x: Double, _ y: Double) {
    taken.append(Box(x: x - 4, y: y - 4, width: 8, height: 8))
  }

  /// A line that names should rather not cross.
  mutating func avoid(from start: (x: Double, y: Double), to end: (x: Double, y: Double)) {
    let (width, height) = (end.x - start.x, end.y - start.y)
    let steps = max(abs(width), abs(height)) / 5
    guard steps.isFinite else { return }
    for step in 0..<Int(steps) {
      let share = Double(step) / steps
      let (x, y) = (start.x + share * width, start.y + share * height)
      taken.append(Box(x: x - 1.5, y: y - 1.5, width: 3, height: 3))
    }
  }

  /// Where a name goes.
  struct Place {
    var x: Double
    var y: Double
    var anchor: String
    /// So far from its point that a line should join them.
    var isFar: Bool
  }

  /// The best place around a point: right of it first, then left, above, below and the corners, then
  /// the same farther away.
  mutating func place(_ label: String, beside x: Double, _ y: Double) -> Place {
    let (width, height) = (Text.width(label), Text.size)
    typealias Offset = (x: Double, y: Double, anchor: String)
    let near: [Offset] = [
      (8, 4, "start"), (-8, 4, "end"), (0, -9, "middle"), (0, 18, "middle"), (6, -7, "start"),
      (6, 15, "start"), (-6, -7, "end"), (-6, 15, "end"),
    ]
    var far: [Offset] = []
    for distance in [18.0, 32, 46, 60] {
      for (x, anchor) in [(8.0, "start"), (-8, "end")] {
        far += [(x, -distance, anchor), (x, distance + 8, anchor)]
      }
    }
    func box(_ place: Place) -> Box {
      let shift =
        switch place.anchor {
        case "end": width
        case "middle": width / 2
        default: 0.0
        }
      return Box(x: place.x - shift, y: place.y - height + 2, width: width, height: height)
    }
    func cost(_ box: Box) -> Double {
      let outside = box.width * box.height - box.overlap(area)
      return taken.reduce(4 * outside) { $0 + $1.overlap(box) }
    }
    var best: (place: Place, box: Box, cost: Double)?
    for (index, offset) in (near + far).enumerated() where best?.cost ?? 1 > 0 {
      let place = Place(
        x: x + offset.x, y: y + offset.y, anchor: offset.anchor, isFar: index >= near.count)
      let box = box(place)
      let cost = cost(box)
      if cost < best?.cost ?? .infinity { best = (place, box, cost) }
    }
    if let best { taken.append(best.box) }
    return best?.place ?? Place(x: x + 8, y: y + 4, anchor: "start", isFar: false)
  }
}
