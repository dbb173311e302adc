/// What a heap is ordered by.
protocol Ranked {
  /// Whether `self` comes out before `other`; a strict order.
  func precedes(_ other: Self) -> Bool
}

/// The first of many at hand, the others in no particular order.
struct BinaryHeap<Element: Ranked & Sendable>: Sendable {
  private var elements: [Element] = []

  var first: Element? { elements.first }
  var count: Int { elements.count }

  mutating func insert(_ element: Element) {
    elements.append(element)
    var child = elements.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard elements[child].precedes(elements[parent]) else { break }
      elements.swapAt(child, parent)
      child = parent
    }
  }

  mutating func removeFirst() {
    guard let last = elements.popLast(), !elements.isEmpty else { return }
    replaceFirst(with: last)
  }

  /// There must be one.
  mutating func replaceFirst(with element: Element) {
    elements[0] = element
    sink(0)
  }

  mutating func removeAll(where isUseless: (Element) -> Bool) {
    elements.removeAll(where: isUseless)
    for index in (0..<elements.count / 2).reversed() { sink(index) }
  }

  private mutating func sink(_ start: Int) {
    var parent = start
    while true {
      var least = 2 * parent + 1
      guard least < elements.count else { return }
      if least + 1 < elements.count, elements[least + 1].precedes(elements[least]) { least += 1 }
      guard elements[least].precedes(elements[parent]) else { return }
      elements.swapAt(parent, least)
      parent = least
    }
  }
}
