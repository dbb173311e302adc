package import Decoding

/// The merges of a BPE: which neighbours become one token, and which go first.
///
/// Of all neighbours that merge, the pair that comes earliest in the list goes first, the leftmost of
/// equals; that is done until none is left (Sennrich et al. 2016, section 3.2).
package struct BytePairMerges: Sendable {
  /// A merge: its place in the list above, the token that it makes below. Smaller goes first.
  private typealias Merge = UInt64
  private static let noMerge = Merge.max

  private struct Slot {
    /// The left token above, the right one below.
    var pair: UInt64 = 0
    var merge: Merge = noMerge
  }

  /// Words up to this long are merged by searching all neighbours for the next merge; longer ones
  /// keep a queue, which pays for itself only there.
  package static let longestSearched = 48

  private let alphabet: TokenAlphabet
  private var slots: [Slot]

  /// - Parameter capacity: how many merges there will be.
  package init(alphabet: TokenAlphabet, capacity: Int) {
    self.alphabet = alphabet
    var size = 16
    while size < capacity * 2 { size *= 2 }
    slots = Array(repeating: Slot(), count: size)
  }

  /// Adds the merge at `place` of the list; of two for the same pair the later one counts.
  package mutating func insert(_ left: TokenID, _ right: TokenID, makes token: TokenID, place: Int)
  {
    let pair = Self.pair(left, right)
    var index = home(pair)
    while slots[index].merge != Self.noMerge, slots[index].pair != pair {
      index = (index + 1) & (slots.count - 1)
    }
    slots[index] = Slot(
      pair: pair, merge: UInt64(UInt32(place)) << 32 | UInt64(UInt32(bitPattern: token)))
  }

  private static func pair(_ left: TokenID, _ right: TokenID) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }

  @inline(__always) private func home(_ pair: UInt64) -> Int {
    let mixed = (pair ^ pair >> 29) &* 0x9E37_79B9_7F4A_7C15
    return Int(truncatingIfNeeded: mixed >> 32) & (slots.count - 1)
  }

  @inline(__always) private func merge(of left: TokenID, _ right: TokenID) -> Merge {
    let pair = Self.pair(left, right)
    var index = home(pair)
    return slots.withUnsafeBufferPointer { slots in
      while true {
        let slot = slots[index]
        if slot.pair == pair || slot.merge == Self.noMerge { return slot.merge }
        index = (index + 1) & (slots.count - 1)
      }
    }
  }

  /// Appends the tokens of `word`.
  ///
  /// - Returns: the steps that it took, to show that they grow as n log n.
  @discardableResult package func append(
    _ word: UnsafeRawBufferPointer, to tokens: inout [TokenID]
  ) -> Int {
    return word.count <= Self.longestSearched
      ? appendSearching(word, to: &tokens) : appendQueueing(word, to: &tokens)
  }

  // MARK: Short words

  private func appendSearching(
    _ word: UnsafeRawBufferPointer, to tokens: inout [TokenID]
  ) -> Int {
    withUnsafeTemporaryAllocation(of: TokenID.self, capacity: Self.longestSearched) { symbols in
      withUnsafeTemporaryAllocation(of: Merge.self, capacity: Self.longestSearched) { merges in
        var count = 0
        alphabet.forEachToken(of: word) { token in
          symbols.initializeElement(at: count, to: token)
          count += 1
        }
        var steps = count
        // merges[i] is the merge of symbols i and i + 1.
        for index in 0..<max(count - 1, 0) {
          merges.initializeElement(at: index, to: merge(of: symbols[index], symbols[index + 1]))
        }
        while count > 1 {
          var best = 0
          for index in 1..<count - 1 where merges[index] < merges[best] { best = index }
          steps += count
          guard merges[best] != Self.noMerge else { break }
          symbols[best] = TokenID(truncatingIfNeeded: merges[best])
          count -= 1
          for index in best + 1..<count { symbols[index] = symbols[index + 1] }
          for index in best..<max(count - 1, best) { merges[index] = merges[index + 1] }
          if best > 0 { merges[best - 1] = merge(of: symbols[best - 1], symbols[best]) }
          if best + 1 < count { merges[best] = merge(of: symbols[best], symbols[best + 1]) }
        }
        tokens.append(contentsOf: symbols[..<count])
        return steps
      }
    }
  }

  // MARK: Long words

  private func appendQueueing(
    _ word: UnsafeRawBufferPointer, to tokens: inout [TokenID]
  ) -> Int {
    // The symbols, of which removed ones are negative, as a list; and the merge of each with the next.
    var symbols: [TokenID] = []
    symbols.reserveCapacity(word.count)
    alphabet.forEachToken(of: word) { symbols.append($0) }
    let count = symbols.count
    var previous = (0..<count).map { Int32($0) - 1 }
    var next = (0..<count).map { Int32($0) + 1 }
    var merges = [Merge](repeating: Self.noMerge, count: count)
    var queue = MergeQueue()
    for index in 0..<max(count - 1, 0) {
      merges[index] = merge(of: symbols[index], symbols[index + 1])
      if merges[index] != Self.noMerge { queue.push(merges[index], at: index) }
    }
    while let (place, position) = queue.pop() {
      // An entry whose symbols have changed since is stale.
      let merge = merges[position]
      guard merge != Self.noMerge, merge >> 32 == place else { continue }
      let right = Int(next[position])
      let after = Int(next[right])
      symbols[position] = TokenID(truncatingIfNeeded: merge)
      symbols[right] = -1
      merges[right] = Self.noMerge
      merges[position] = Self.noMerge
      next[position] = Int32(after)
      let before = Int(previous[position])
      if before >= 0 {
        merges[before] = self.merge(of: symbols[before], symbols[position])
        if merges[before] != Self.noMerge { queue.push(merges[before], at: before) }
      }
      if after < count {
        previous[after] = Int32(position)
        merges[position] = self.merge(of: symbols[position], symbols[after])
        if merges[position] != Self.noMerge { queue.push(merges[position], at: position) }
      }
    }
    for symbol in symbols where symbol >= 0 { tokens.append(symbol) }
    return count + queue.steps
  }
}

/// Merges that are to be done: the ones of the earliest place first, from left to right.
///
/// Positions wait in one list for each place, and the places in a heap. A word has many positions and
/// few places, and most lists fill from left to right by themselves, so that an entry costs much less
/// than in a heap of all entries.
private struct MergeQueue {
  private struct Waiting {
    let place: UInt64
    var positions: [Int32] = []
    /// The positions before it are done.
    var first = 0
    var isSorted = true

    var isEmpty: Bool { first == positions.count }
  }

  private var lists: [Waiting] = []
  private var listOfPlace: [UInt64: Int] = [:]
  private var latest = 0
  /// The lists that are not empty, the earliest place on top: a binary heap of places.
  private var places: [UInt64] = []
  /// Entries put in and comparisons so far.
  private(set) var steps = 0

  mutating func push(_ merge: UInt64, at position: Int) {
    let place = merge >> 32
    if lists.isEmpty || lists[latest].place != place {
      latest = listOfPlace[place] ?? lists.count
      if latest == lists.count {
        lists.append(Waiting(place: place))
        listOfPlace[place] = latest
      }
    }
    if lists[latest].isEmpty {
      lists[latest].positions.removeAll(keepingCapacity: true)
      lists[latest].first = 0
      lists[latest].isSorted = true
      rise(place)
    } else if let last = lists[latest].positions.last, last > position {
      lists[latest].isSorted = false
    }
    lists[latest].positions.append(Int32(position))
    steps += 1
  }

  mutating func pop() -> (place: UInt64, position: Int)? {
    guard let place = places.first else { return nil }
    if lists[latest].place != place { latest = listOfPlace[place] ?? latest }
    if !lists[latest].isSorted {
      let first = lists[latest].first
      lists[latest].positions[first...].sort()
      lists[latest].isSorted = true
      steps += lists[latest].positions.count - first
    }
    let position = Int(lists[latest].positions[lists[latest].first])
    lists[latest].first += 1
    if lists[latest].isEmpty { removeFirstPlace() }
    return (place, position)
  }

  private mutating func rise(_ place: UInt64) {
    var index = places.count
    places.append(place)
    while index > 0, places[(index - 1) / 2] > place {
      places[index] = places[(index - 1) / 2]
      index = (index - 1) / 2
      steps += 1
    }
    places[index] = place
  }

  private mutating func removeFirstPlace() {
    guard let place = places.popLast(), !places.isEmpty else { return }
    var index = 0
    while 2 * index + 1 < places.count {
      var child = 2 * index + 1
      if child + 1 < places.count, places[child + 1] < places[child] { child += 1 }
      guard places[child] < place else { break }
      places[index] = places[child]
      index = child
      steps += 1
    }
    places[index] = place
  }
}
