/// Blocks of the key/value cache, counted.
package struct BlockPool: Equatable, Sendable {
  package let capacity: Int
  /// Tokens in a block.
  package let blockSize: Int
  package private(set) var used = 0

  package init(capacity: Int, blockSize: Int) {
    self.capacity = capacity
    self.blockSize = blockSize
  }

  package var free: Int { capacity - used }

  package func blocks(for tokens: Int) -> Int { (tokens + blockSize - 1) / blockSize }

  /// Takes blocks; the caller has seen that they are free.
  mutating func take(_ count: Int) {
    used += count
    assert(used <= capacity, "the cache is over capacity")
  }

  mutating func giveBack(_ count: Int) { used -= count }
}
