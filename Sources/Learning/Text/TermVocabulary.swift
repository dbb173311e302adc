/// The words and phrases that several training texts have, each with a column of its own.
///
/// A term is kept as 32 bits of its hash (`HashedNGrams.keys`): no text is stored, and among 100,000 known
/// terms one in 40,000 that were never seen is mistaken for a known one. Terms that are not known are left
/// out, where `HashedNGrams` lets them share a bucket with known ones.
package struct TermVocabulary: Equatable, Sendable {
  /// By column: those of the texts, rising, then those that only other texts have, rising.
  package let keys: [UInt32]
  /// How many of them are of the texts.
  package let ownCount: Int
  /// By column: `1 + log((1 + n) / (1 + texts with it))` over n texts, by which counts are multiplied.
  package var rarities: [Float]
  /// Open addressing with at most half of the slots taken: a key in the high bits, below it its column
  /// plus one; zero for an empty slot. A slot and its neighbours share a cache line.
  private let slots: [UInt64]

  /// - Throws: `parameters` for keys that do not rise or come twice, or rarities that are not one for
  ///   each.
  package init(
    keys: [UInt32], ownCount: Int, rarities: [Float]
  ) throws(LearningError) {
    guard keys.count == rarities.count, keys.count < 1 << 24, (0...keys.count) ~= ownCount else {
      throw LearningError(
        .parameters, at: "vocabulary",
        "\(keys.count) terms, \(ownCount) of them own, and \(rarities.count) rarities")
    }
    for place in keys.indices.dropFirst() where place != ownCount && keys[place - 1] >= keys[place]
    {
      throw LearningError(
        .parameters, at: "vocabulary", "term \(place) is not above the one before")
    }
    if let place = rarities.firstIndex(where: { !($0 >= 0 && $0 < 100) }) {
      throw LearningError(
        .parameters, at: "vocabulary", "the rarity of term \(place) is \(rarities[place])")
    }
    var bits = 1
    while 1 << bits < 2 * keys.count { bits += 1 }
    var slots = [UInt64](repeating: 0, count: 1 << bits)
    for (column, key) in keys.enumerated() {
      var slot = Int(key) & (slots.count - 1)
      while slots[slot] != 0 {
        if slots[slot] >> 32 == UInt64(key) {
          throw LearningError(.parameters, at: "vocabulary", "term \(column) comes twice")
        }
        slot = (slot + 1) & (slots.count - 1)
      }
      slots[slot] = UInt64(key) << 32 | UInt64(column + 1)
    }
    self.keys = keys
    self.ownCount = ownCount
    self.rarities = rarities
    self.slots = slots
  }

  /// Learns the terms of `texts`, then those that only `others` have, and how rare all are. A term must
  /// come in two of the texts or in `minimum` of all, and one of others only in `minimumOthers`.
  ///
  /// - Parameters: the keys of each text, in any order and as often as they come.
  package init(
    learning texts: some Sequence<[UInt32]>, others: some Sequence<[UInt32]>,
    minimum: Int = 3, minimumOthers: Int = 4
  ) throws(LearningError) {
    var count = 0
    /// Each text's keys once, all sorted.
    func collected(_ texts: some Sequence<[UInt32]>) -> [UInt32] {
      var all: [UInt32] = []
      for text in texts {
        count += 1
        all += Set(text)
      }
      sortByDigits(&all, below: 1 << 32)
      return all
    }
    let (own, foreign) = (collected(texts), collected(others))
    var (known, other): ([(UInt32, Int)], [(UInt32, Int)]) = ([], [])
    var (place, foreignPlace) = (0, 0)
    while place < own.count || foreignPlace < foreign.count {
      let key = min(
        place < own.count ? own[place] : .max,
        foreignPlace < foreign.count ? foreign[foreignPlace] : .max)
      let (start, foreignStart) = (place, foreignPlace)
      while place < own.count, own[place] == key { place += 1 }
      while foreignPlace < foreign.count, foreign[foreignPlace] == key { foreignPlace += 1 }
      let occurrences = place - start + foreignPlace - foreignStart
      if place - start >= 2 || place > start && occurrences >= minimum {
        known.append((key, occurrences))
      } else if place == start, occurrences >= minimumOthers {
        other.append((key, occurrences))
      }
    }
    let terms = known + other
    try self.init(
      keys: terms.map(\.0), ownCount: known.count,
      rarities: terms.map { 1 + Float(Double.log(Double(1 + count) / Double(1 + $0.1))) })
  }

  package var count: Int { keys.count }

  /// Bytes of the table by which terms are found.
  package var slotBytes: Int { slots.count * MemoryLayout<UInt64>.stride }

  /// The columns of those keys that are known, as often as they come and in their order.
  func columns(of keys: [UInt32]) -> [UInt32] {
    var columns: [UInt32] = []
    columns.reserveCapacity(keys.count)
    slots.withUnsafeBufferPointer { slots in
      for key in keys {
        var slot = Int(key) & (slots.count &- 1)
        while slots[slot] != 0 {
          if slots[slot] >> 32 == UInt64(key) {
            columns.append(UInt32(truncatingIfNeeded: slots[slot]) &- 1)
            break
          }
          slot = (slot &+ 1) & (slots.count &- 1)
        }
      }
    }
    return columns
  }

  /// The features of a text: for each known term that it has n times `(1 + log n) * rarity`, scaled so
  /// that all together have a Euclidean norm of one.
  package func features(of keys: [UInt32]) -> SparseVector {
    var columns = columns(of: keys)
    sortByDigits(&columns, below: max(2, count))
    var vector = SparseVector()
    vector.indices.reserveCapacity(columns.count)
    vector.values.reserveCapacity(columns.count)
    var square: Float = 0
    var start = 0
    while start < columns.count {
      var end = start &+ 1
      while end < columns.count, columns[end] == columns[start] { end &+= 1 }
      var value = rarities[Int(columns[start])]
      // Most terms come once.
      if end &- start > 1 { value *= 1 + Float(Double.log(Double(end &- start))) }
      vector.indices.append(Int32(columns[start]))
      vector.values.append(value)
      square += value * value
      start = end
    }
    if square > 0 {
      let scale = 1 / square.squareRoot()
      for index in vector.values.indices { vector.values[index] *= scale }
    }
    return vector
  }
}

extension TermVocabulary {
  /// Keys in halves of sixteen bits, which a float holds exactly, and rarities.
  package var tensors: [String: NamedTensor] {
    func tensor(_ values: [Float]) -> NamedTensor {
      NamedTensor(shape: [values.count], values: values)
    }
    return [
      "keys.high": tensor(keys.map { Float($0 >> 16) }),
      "keys.low": tensor(keys.map { Float($0 & 0xFFFF) }), "rarities": tensor(rarities),
    ]
  }

  /// - Throws: `parameters` when an array is missing, or they are no vocabulary of `count` terms.
  package init(
    _ tensors: [String: NamedTensor], count: Int, ownCount: Int
  ) throws(LearningError) {
    func halves(_ name: String) throws(LearningError) -> [UInt32] {
      let floats = try tensors.vector(name, count)
      let halves = floats.compactMap { UInt16(exactly: $0).map { UInt32($0) } }
      guard halves.count == count else {
        throw LearningError(.parameters, at: name, "has a number that is no half of a key")
      }
      return halves
    }
    let (high, low) = (try halves("keys.high"), try halves("keys.low"))
    try self.init(
      keys: zip(high, low).map { $0 << 16 | $1 }, ownCount: ownCount,
      rarities: tensors.vector("rarities", count))
  }
}
