/// Waiting requests, the most urgent first: a binary heap by (key, arrival, id).
struct WaitingQueue: Sendable {
  struct Entry: Sendable {
    var key: Double
    var arrival: Time
    var id: Int
    var slot: Int

    @inline(__always)
    func precedes(_ other: Entry) -> Bool {
      if key != other.key { return key < other.key }
      if arrival != other.arrival { return arrival < other.arrival }
      return id < other.id
    }
  }

  private(set) var entries: [Entry] = []

  var first: Entry? { entries.first }
  var isEmpty: Bool { entries.isEmpty }

  mutating func insert(_ entry: Entry) {
    entries.append(entry)
    var child = entries.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard entries[child].precedes(entries[parent]) else { break }
      entries.swapAt(child, parent)
      child = parent
    }
  }

  mutating func removeFirst() {
    guard let last = entries.popLast(), !entries.isEmpty else { return }
    entries[0] = last
    sink(0)
  }

  /// Takes one out, wherever it is.
  mutating func remove(slot: Int) {
    entries.removeAll { $0.slot == slot }
    restore()
  }

  /// Gives every entry a new key.
  mutating func rekey(_ key: (Int) -> Double) {
    for index in entries.indices { entries[index].key = key(entries[index].slot) }
    restore()
  }

  private mutating func restore() {
    var index = entries.count / 2
    while index > 0 {
      index -= 1
      sink(index)
    }
  }

  private mutating func sink(_ start: Int) {
    var parent = start
    while true {
      var least = 2 * parent + 1
      guard least < entries.count else { return }
      if least + 1 < entries.count, entries[least + 1].precedes(entries[least]) { least += 1 }
      guard entries[least].precedes(entries[parent]) else { return }
      entries.swapAt(parent, least)
      parent = least
    }
  }
}
