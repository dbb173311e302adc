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

  init(width: Double, top: Double, bottom: Double) {
    area = Box(x: 0, y: top, width: width, height: bottom - top)
  }

  /// A point that no name should cover.
  mutating func avoid(_ x: Double, _ y: Double) {
    taken.append(Box(x: x - 4, y: y - 4, width: 8, height: 8))
  }

  /// The best place around a point: right of it first, then left, above, below and the corners.
  mutating func place(
    _ label: String, beside x: Double, _ y: Double
  ) -> (x: Double, y: Double, anchor: String) {
    let (width, height) = (Text.width(label), Text.size)
    let places: [(x: Double, y: Double, anchor: String)] = [
      (x + 8, y + 4, "start"), (x - 8, y + 4, "end"), (x, y - 9, "middle"), (x, y + 18, "middle"),
      (x + 6, y - 7, "start"), (x + 6, y + 15, "start"), (x - 6, y - 7, "end"),
      (x - 6, y + 15, "end"), (x, y - 22, "middle"), (x, y + 31, "middle"),
    ]
    func box(_ place: (x: Double, y: Double, anchor: String)) -> Box {
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
    var best = (place: places[0], box: box(places[0]))
    var lowest = cost(best.box)
    for place in places.dropFirst() where lowest > 0 {
      let tried = box(place)
      let found = cost(tried)
      if found < lowest { (best, lowest) = ((place, tried), found) }
    }
    taken.append(best.box)
    return best.place
  }
}
