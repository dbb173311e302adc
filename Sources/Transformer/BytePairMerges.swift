import Decoding

/// The merges of a byte-level BPE: which neighbours become one token, and which go first.
///
/// Of all neighbours that merge, the pair that comes earliest in the list goes first, the leftmost of
/// equals; that is done until none is left (Sennrich et al. 2016, section 3.2).
struct BytePairMerges: Sendable {
  /// A merge: its place in the list above, the token that it makes below. Smaller goes first.
  typealias Merge = UInt64
  private static let noMerge = Merge.max

  private struct Slot {
    /// The left token above, the right one below.
    var pair: UInt64 = 0
    var merge: Merge = noMerge
  }

  /// Words up to this long are merged by searching all neighbours for the next merge; longer ones
  /// keep a queue, which pays for itself only there.
  static let longestSearched = 48

  /// The token of each byte, -1 for a byte that the vocabulary lacks (it is dropped, as the library
  /// does).
  private let byteTokens: [TokenID]
  private var slots: [Slot]

  /// - Parameter capacity: how many merges there will be.
  init(byteTokens: [TokenID], capacity: Int) {
    self.byteTokens = byteTokens
    var size = 16
    while size < capacity * 2 { size *= 2 }
    slots = Array(repeating: Slot(), count: size)
  }

  /// Adds the merge at `place` of the list; of two for the same pair the later one counts.
  mutating func insert(_ left: TokenID, _ right: TokenID, makes token: TokenID, place: Int) {
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
  @discardableResult func append(
    _ word: UnsafeRawBufferPointer, to tokens: inout [TokenID]
  ) -> Int {
    if word.count == 1 {
      let token = byteTokens[Int(word[0])]
      if token >= 0 { tokens.append(token) }
      return 1
    }
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
        for byte in word where byteTokens[Int(byte)] >= 0 {
          symbols.initializeElement(at: count, to: byteTokens[Int(byte)])
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
    var symbols: [TokenID] = word.lazy.map { byteTokens[Int($0)] }.filter { $0 >= 0 }
    let count = symbols.count
    guard count > 1 else {
      tokens.append(contentsOf: symbols)
      return count
    }
    // A list of the symbols that are left, and the merge of each with its right neighbour.
    var previous = Array(-1..<count - 1)
    var next = Array(1...count)
    var merges = (0..<count - 1).map { merge(of: symbols[$0], symbols[$0 + 1]) }
    merges.append(Self.noMerge)
    var queue = MergeQueue(
      merges.indices.lazy.filter { merges[$0] != Self.noMerge }.map {
        MergeQueue.entry(merge: merges[$0], position: $0)
      })

    while let (place, position) = queue.pop() {
      // An entry whose symbols have changed since is stale.
      let merge = merges[position]
      guard merge != Self.noMerge, merge >> 32 == place else { continue }
      let right = next[position]
      symbols[position] = TokenID(truncatingIfNeeded: merge)
      next[position] = next[right]
      if next[right] < count { previous[next[right]] = position }
      symbols[right] = -1
      merges[right] = Self.noMerge
      for left in [previous[position], position] where left >= 0 {
        let after = next[left]
        merges[left] = after < count ? self.merge(of: symbols[left], symbols[after]) : Self.noMerge
        if merges[left] != Self.noMerge {
          queue.push(MergeQueue.entry(merge: merges[left], position: left))
        }
      }
    }
    tokens.append(contentsOf: symbols.lazy.filter { $0 >= 0 })
    return count + queue.steps
  }
}

/// Merges that are to be done, the one that goes first on top: a binary heap.
private struct MergeQueue {
  /// The merge's place in the list above, its position in the word below.
  typealias Entry = UInt64

  private var entries: [Entry]
  /// Comparisons so far.
  private(set) var steps = 0

  static func entry(merge: UInt64, position: Int) -> Entry {
    (merge & 0xFFFF_FFFF_0000_0000) | UInt64(UInt32(position))
  }

  init(_ entries: some Sequence<Entry>) {
    self.entries = Array(entries)
    for index in stride(from: self.entries.count / 2 - 1, through: 0, by: -1) { sink(index) }
  }

  mutating func push(_ entry: Entry) {
    entries.append(entry)
    var index = entries.count - 1
    while index > 0, entries[index] < entries[(index - 1) / 2] {
      entries.swapAt(index, (index - 1) / 2)
      index = (index - 1) / 2
      steps += 1
    }
    steps += 1
  }

  mutating func pop() -> (place: UInt64, position: Int)? {
    guard let first = entries.first, let last = entries.popLast() else { return nil }
    if !entries.isEmpty {
      entries[0] = last
      sink(0)
    }
    return (first >> 32, Int(first & 0xFFFF_FFFF))
  }

  private mutating func sink(_ start: Int) {
    var index = start
    while true {
      steps += 1
      var smallest = index
      for child in [2 * index + 1, 2 * index + 2] where child < entries.count {
        if entries[child] < entries[smallest] { smallest = child }
      }
      if smallest == index { return }
      entries.swapAt(index, smallest)
      index = smallest
    }
  }
}
