import Decoding

/// Words that are one token: a hash table from bytes to token.
///
/// This is what makes encoding fast. Most words of ordinary text are in it, and it needs no lock,
/// because it is complete when the tokenizer is loaded.
struct WordTable: Sendable {
  private struct Slot {
    var hash: UInt32 = 0
    /// Negative in an empty slot.
    var token: TokenID = -1
    var start: UInt32 = 0
    var length: UInt32 = 0
  }

  private var slots: [Slot]
  private var bytes: [UInt8] = []
  private(set) var longestWord = 0

  /// A table for about `count` words.
  init(capacity count: Int) {
    var size = 16
    while size < count * 2 { size *= 2 }
    slots = Array(repeating: Slot(), count: size)
  }

  /// Adds a word that is not there yet.
  mutating func insert(_ word: UnsafeRawBufferPointer, token: TokenID) {
    let hash = Self.hash(word)
    var index = Int(hash) & (slots.count - 1)
    while slots[index].token >= 0 { index = (index + 1) & (slots.count - 1) }
    slots[index] = Slot(
      hash: hash, token: token, start: UInt32(bytes.count), length: UInt32(word.count))
    bytes.append(contentsOf: word)
    longestWord = max(longestWord, word.count)
  }

  /// The token that is the whole of `word`.
  @inline(__always) func token(of word: UnsafeRawBufferPointer) -> TokenID? {
    guard word.count <= longestWord else { return nil }
    let hash = Self.hash(word)
    return slots.withUnsafeBufferPointer { slots in
      var index = Int(hash) & (slots.count - 1)
      while slots[index].token >= 0 {
        let slot = slots[index]
        if slot.hash == hash, Int(slot.length) == word.count, spells(slot, word) {
          return slot.token
        }
        index = (index + 1) & (slots.count - 1)
      }
      return nil
    }
  }

  @inline(__always) private func spells(_ slot: Slot, _ word: UnsafeRawBufferPointer) -> Bool {
    bytes.withUnsafeBytes { bytes in
      let start = Int(slot.start)
      for offset in 0..<word.count where bytes[start + offset] != word[offset] { return false }
      return true
    }
  }

  /// Eight bytes at a time, the rest by overlapping loads; a multiplication folded onto itself mixes.
  @inline(__always) private static func hash(_ word: UnsafeRawBufferPointer) -> UInt32 {
    let count = word.count
    var state = UInt64(truncatingIfNeeded: count) &* 0x9E37_79B9_7F4A_7C15
    var offset = 0
    while count - offset >= 8 {
      state = mix(state ^ word.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
      offset += 8
    }
    var tail: UInt64 = 0
    if count - offset >= 4 {
      tail = UInt64(word.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
      tail |= UInt64(word.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self)) << 32
    } else {
      while offset < count {
        tail = tail << 8 | UInt64(word[offset])
        offset += 1
      }
    }
    return UInt32(truncatingIfNeeded: mix(state ^ tail))
  }

  @inline(__always) private static func mix(_ value: UInt64) -> UInt64 {
    let (high, low) = value.multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
    return high ^ low
  }
}
