/// Waiting requests, the most urgent first: a heap by (key, arrival, id).
///
/// An entry that does not count any more (its request has left, or has another key now) stays where
/// it is and is dropped when it comes to the top, so that leaving and changing a key cost no search.
/// Where all requests of a client share a key, they wait in a lane of their own and only the first
/// of each lane is in the heap: service that raises a client's key then moves one entry, not all.
struct WaitingQueue: Sendable {
  struct Entry: Ranked, Sendable {
    var key: Double
    var arrival: Time
    var id: Int
    var slot: Int
    /// The client whose requests share the key; `nil` for a key of its own.
    var lane: Int?
    fileprivate var ticket = 0

    init(key: Double, arrival: Time, id: Int, slot: Int, lane: Int? = nil) {
      self.key = key
      self.arrival = arrival
      self.id = id
      self.slot = slot
      self.lane = lane
    }

    @inline(__always)
    func precedes(_ other: Entry) -> Bool {
      if key != other.key { return key < other.key }
      if arrival != other.arrival { return arrival < other.arrival }
      return id < other.id
    }
  }

  /// A key that changes when it is later than `time`.
  private struct Expiry: Ranked, Sendable {
    var time: Time
    var slot: Int
    var ticket: Int
    func precedes(_ other: Expiry) -> Bool { time < other.time }
  }

  private struct Lane: Sendable {
    /// Of equal keys, so by arrival.
    var entries = BinaryHeap<Entry>()
    /// The one that stands for the lane in the heap.
    var head = 0
  }

  private(set) var count = 0
  private var heap = BinaryHeap<Entry>()
  private var lanes: [Int: Lane] = [:]
  private var expiries = BinaryHeap<Expiry>()
  /// By slot, the ticket of the entry that counts; 0 for none.
  private var tickets: [Int] = []
  private var lastTicket = 0

  var isEmpty: Bool { count == 0 }

  /// - Parameter holds: until when its key stays.
  mutating func insert(_ entry: Entry, holds: Time = .never) {
    while tickets.count <= entry.slot { tickets.append(0) }
    lastTicket += 1
    var entry = entry
    entry.ticket = lastTicket
    if tickets[entry.slot] == 0 { count += 1 }
    tickets[entry.slot] = lastTicket
    if holds < .never {
      expiries.insert(Expiry(time: holds, slot: entry.slot, ticket: lastTicket))
    }
    if let lane = entry.lane { return join(lane, entry) }
    heap.insert(entry)
    // Those that do not count and never come to the top must not pile up.
    if heap.count > 2 * count + 64 { drop(tickets) }
  }

  private mutating func drop(_ tickets: [Int]) {
    heap.removeAll { tickets[$0.slot] != $0.ticket }
  }

  /// Takes one out, wherever it is.
  mutating func remove(slot: Int) {
    guard tickets.indices.contains(slot), tickets[slot] > 0 else { return }
    tickets[slot] = 0
    count -= 1
  }

  /// A request whose key no longer holds at `now`, and which is to be inserted anew.
  mutating func nextExpired(at now: Time) -> Int? {
    while let expiry = expiries.first, expiry.time < now {
      expiries.removeFirst()
      if tickets[expiry.slot] == expiry.ticket { return expiry.slot }
    }
    return nil
  }

  /// The most urgent.
  ///
  /// - Parameter key: of a request of a lane, now; at least what it was before.
  mutating func first(key: (Int) -> Double) -> Entry? {
    while let top = heap.first {
      guard let lane = top.lane else {
        if tickets[top.slot] == top.ticket { return top }
        heap.removeFirst()
        continue
      }
      guard lanes[lane]?.head == top.ticket else {
        heap.removeFirst()
        continue
      }
      guard tickets[top.slot] == top.ticket else {
        heap.removeFirst()
        advance(lane, key: key)
        continue
      }
      let current = key(top.slot)
      if current == top.key { return top }
      var moved = top
      moved.key = current
      heap.replaceFirst(with: moved)
    }
    return nil
  }

  private mutating func join(_ name: Int, _ entry: Entry) {
    var lane = lanes.removeValue(forKey: name) ?? Lane()
    var waiting = entry
    waiting.key = 0
    lane.entries.insert(waiting)
    if lane.entries.first?.ticket == entry.ticket {
      lane.head = entry.ticket
      heap.insert(entry)
    }
    lanes[name] = lane
  }

  /// Puts the next of a lane into the heap.
  private mutating func advance(_ name: Int, key: (Int) -> Double) {
    var lane = lanes.removeValue(forKey: name) ?? Lane()
    while let next = lane.entries.first, tickets[next.slot] != next.ticket {
      lane.entries.removeFirst()
    }
    guard var head = lane.entries.first else { return }
    head.key = key(head.slot)
    lane.head = head.ticket
    heap.insert(head)
    lanes[name] = lane
  }
}
