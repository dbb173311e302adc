/// The blocks of the cache by what they hold, so that requests that begin alike share them: vLLM V1's
/// automatic prefix caching (`KVCacheManager`, `BlockPool`).
///
/// A full block of a prompt is named by its text and all that comes before it. A request that is
/// admitted takes the longest row of blocks from its start that are there, used by others or not, all
/// but the last of its tokens at most: that one must be computed. Blocks that nobody uses any more
/// keep their text until they are given out anew, the longest unused first; of one request the last
/// block goes first, since what is left is of no use without what comes before it.
///
/// What the trace does not name, all of the answer among it, is text that no other request has: only
/// a preempted request finds it again, as far as nobody has been given the blocks since. Where this
/// knows less than a server: an answer is not found by the prompt that goes on from it, and a last,
/// part-full block of the trace's own size is found only by an equal prompt. Two requests that
/// compute the same block at once keep two; only the first is found.
struct PrefixCache: Sendable {
  private struct Block: Sendable {
    /// 0 without text that could be found.
    var key: UInt64 = 0
    var users: Int32 = 0
    /// In the list of unused blocks.
    var previous: Int32 = PrefixCache.nobody
    var next: Int32 = PrefixCache.nobody
  }

  private static let nobody: Int32 = -1

  private let blockSize: Int
  private var blocks: [Block]
  private var byKey: KeyTable
  private var longestUnused: Int32
  private var lastUsed: Int32
  /// Blocks that nobody uses.
  private(set) var free: Int
  /// By slot: the blocks that it uses, the names of those of its prompt that have one, and what the
  /// names of its other blocks begin with.
  private var held: [[Int32]] = []
  private var keys: [[UInt64]] = []
  private var own: [UInt64] = []

  /// - Precondition: at least one block of at least one token.
  init(capacity: Int, blockSize: Int) {
    self.blockSize = blockSize
    byKey = KeyTable(capacity: capacity)
    blocks = (0..<capacity).map { index in
      Block(previous: Int32(index - 1), next: index + 1 < capacity ? Int32(index + 1) : Self.nobody)
    }
    longestUnused = 0
    lastUsed = Int32(capacity - 1)
    free = capacity
  }

  /// A request has got a slot.
  mutating func join(_ slot: Int, _ request: Request) {
    while keys.count <= slot {
      keys.append([])
      held.append([])
      own.append(0)
    }
    keys[slot] = Self.keys(request, blockSize: blockSize)
    own[slot] = Self.mixed(UInt64(bitPattern: Int64(request.id)) ^ 0xA076_1D64_78BD_642F)
  }

  private func key(_ slot: Int, _ block: Int) -> UInt64 {
    if block < keys[slot].count { return keys[slot][block] }
    return max(1, Self.mixed(own[slot] &+ UInt64(block) &* 0xD6E8_FEB8_6659_FD93))
  }

  /// Names of a prompt's full blocks, as far as the trace names its text.
  private static func keys(_ request: Request, blockSize: Int) -> [UInt64] {
    let (hashes, span) = (request.prefixHashes, request.prefixBlockSize)
    guard span > 0, !hashes.isEmpty else { return [] }
    let named = min(request.inputLength, hashes.count * span)
    var keys: [UInt64] = []
    keys.reserveCapacity(named / blockSize)
    var (chain, next): (UInt64, Int) = (0x9E37_79B9_7F4A_7C15, 0)
    for block in 0..<named / blockSize {
      while next * span < (block + 1) * blockSize {
        chain = mixed(chain ^ hashes[next])
        next += 1
      }
      keys.append(max(1, mixed(chain &+ UInt64(block) &* 0xD6E8_FEB8_6659_FD93)))
    }
    return keys
  }

  /// The finaliser of SplitMix64.
  private static func mixed(_ value: UInt64) -> UInt64 {
    var mixed = value
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// Blocks of the start of a request's text, and how many of them nobody uses.
  struct Found: Sendable {
    var blocks = 0
    var unused = 0
  }

  /// - Parameter known: tokens of the request, of which the last is not looked for.
  func found(_ slot: Int, known: Int) -> Found {
    var found = Found()
    for block in 0..<(known - 1) / blockSize {
      guard let index = byKey[key(slot, block)] else { break }
      found.blocks += 1
      if blocks[Int(index)].users == 0 { found.unused += 1 }
    }
    return found
  }

  /// A request that uses nothing takes the blocks that were found.
  mutating func reuse(_ slot: Int, _ found: Found) {
    for block in 0..<found.blocks {
      guard let index = byKey[key(slot, block)] else { return }
      if blocks[Int(index)].users == 0 { unlink(index) }
      blocks[Int(index)].users += 1
      held[slot].append(index)
    }
  }

  /// A request takes more blocks, so that it uses `count`; the caller has seen that they are free.
  mutating func extend(_ slot: Int, to count: Int) {
    while held[slot].count < count, longestUnused != Self.nobody {
      let index = longestUnused
      unlink(index)
      forget(index)
      blocks[Int(index)].users = 1
      held[slot].append(index)
    }
  }

  /// So many tokens of the request are computed when this step is done, whose other requests may
  /// share them already.
  mutating func fill(_ slot: Int, from before: Int, to tokens: Int) {
    for block in before / blockSize..<max(before, tokens) / blockSize {
      let (key, index) = (key(slot, block), held[slot][block])
      if blocks[Int(index)].key == 0, byKey[key] == nil {
        byKey.insert(key, index)
        blocks[Int(index)].key = key
      }
    }
  }

  /// A request uses its blocks no more.
  ///
  /// - Parameter computed: tokens that it had computed: what lies beyond holds nothing.
  mutating func giveBack(_ slot: Int, computed: Int) {
    for (place, index) in held[slot].enumerated().reversed() {
      blocks[Int(index)].users -= 1
      guard blocks[Int(index)].users == 0 else { continue }
      if (place + 1) * blockSize > computed { forget(index) }
      link(index)
    }
    held[slot].removeAll(keepingCapacity: true)
  }

  private mutating func forget(_ index: Int32) {
    let key = blocks[Int(index)].key
    guard key != 0 else { return }
    byKey.remove(key)
    blocks[Int(index)].key = 0
  }

  private mutating func link(_ index: Int32) {
    blocks[Int(index)].previous = lastUsed
    blocks[Int(index)].next = Self.nobody
    if lastUsed == Self.nobody {
      longestUnused = index
    } else {
      blocks[Int(lastUsed)].next = index
    }
    lastUsed = index
    free += 1
  }

  private mutating func unlink(_ index: Int32) {
    let (previous, next) = (blocks[Int(index)].previous, blocks[Int(index)].next)
    if previous == Self.nobody { longestUnused = next } else { blocks[Int(previous)].next = next }
    if next == Self.nobody { lastUsed = previous } else { blocks[Int(next)].previous = previous }
    free -= 1
  }
}

/// Blocks by their keys: open addressing, at most half full. Keys are well mixed, so their low bits
/// say where to look.
private struct KeyTable: Sendable {
  /// 0 where there is none.
  private var keys: [UInt64]
  private var values: [Int32]
  private let mask: Int

  /// - Parameter capacity: the most keys at a time.
  init(capacity: Int) {
    var size = 16
    while size < 2 * capacity { size *= 2 }
    keys = Array(repeating: 0, count: size)
    values = Array(repeating: 0, count: size)
    mask = size - 1
  }

  /// Where a key is, or would be.
  private func place(_ key: UInt64) -> Int {
    var place = Int(truncatingIfNeeded: key) & mask
    while keys[place] != 0, keys[place] != key { place = (place + 1) & mask }
    return place
  }

  subscript(key: UInt64) -> Int32? {
    let place = place(key)
    return keys[place] == key ? values[place] : nil
  }

  /// - Precondition: the key is not there.
  mutating func insert(_ key: UInt64, _ value: Int32) {
    let place = place(key)
    keys[place] = key
    values[place] = value
  }

  mutating func remove(_ key: UInt64) {
    var hole = place(key)
    var next = (hole + 1) & mask
    // Whoever would not be found behind the hole moves into it.
    while keys[next] != 0 {
      let home = Int(truncatingIfNeeded: keys[next]) & mask
      if (next - home) & mask >= (next - hole) & mask {
        keys[hole] = keys[next]
        values[hole] = values[next]
        hole = next
      }
      next = (next + 1) & mask
    }
    keys[hole] = 0
  }
}
