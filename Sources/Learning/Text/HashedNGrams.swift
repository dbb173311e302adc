/// Counts of a text's words and phrases, hashed into a fixed number of buckets (Weinberger et al.
/// 2009): the features of a text without a vocabulary.
///
/// A word is a run of letters, digits, underscores and bytes above 127, with ASCII letters in lower
/// case. Everything is a function of the bytes, the settings and the seed.
package struct HashedNGrams: Codable, Equatable, Sendable {
  /// A power of two.
  package let buckets: Int
  /// How many words make a phrase: `1...2` for words and pairs of neighbours. Empty for none.
  package let words: Range<Int>
  /// How many bytes make a piece of the text, white space and all. Empty for none.
  package let bytes: Range<Int>
  package let seed: UInt64
  /// Adds half of the phrases negatively, so that those that share a bucket cancel on average.
  package var isSigned = true
  /// Dampens a count of n to `1 + log n`.
  package var isSublinear = true
  /// Scales each text to a Euclidean norm of one.
  package var isNormalised = false
  /// One factor for each bucket, zero for one that is left out, or empty for none: see `fitFrequencies`.
  package var inverseFrequencies: [Float] = []

  /// - Throws: `setting` when the buckets are no power of two up to 2^24, or a phrase is too long.
  package init(
    buckets: Int = 1 << 14, words: ClosedRange<Int>? = 1...2, bytes: ClosedRange<Int>? = nil,
    seed: UInt64 = 0
  ) throws(LearningError) {
    guard buckets > 0, buckets <= 1 << 24, buckets & (buckets - 1) == 0 else {
      throw LearningError(.setting, at: "hashed n-grams", "\(buckets) buckets are no power of two")
    }
    for range in [words, bytes]
    where !(1...16).contains(range?.lowerBound ?? 1)
      || !(1...16).contains(range?.upperBound ?? 1)
    {
      throw LearningError(.setting, at: "hashed n-grams", "lengths outside of 1...16")
    }
    self.buckets = buckets
    self.words = words.map { Range($0) } ?? 0..<0
    self.bytes = bytes.map { Range($0) } ?? 0..<0
    self.seed = seed
  }

  /// Learns how rare each bucket is: `1 + log((1 + n) / (1 + texts with it))` over n texts, by which
  /// features are multiplied from then on.
  ///
  /// - Parameter minimumTexts: buckets that fewer texts have are left out from then on.
  package mutating func fitFrequencies(
    _ texts: some Sequence<String>, minimumTexts: Int = 0
  ) {
    var (count, occurrences) = (0, [Int](repeating: 0, count: buckets))
    for text in texts {
      count += 1
      for (bucket, _) in sums(text) { occurrences[bucket] += 1 }
    }
    inverseFrequencies = occurrences.map {
      $0 < minimumTexts ? 0 : 1 + Float(Double.log(Double(1 + count) / Double(1 + $0)))
    }
  }

  /// The features of a text, by bucket.
  package func features(of text: String) -> SparseVector {
    var vector = SparseVector()
    let sums = sums(text)
    vector.indices.reserveCapacity(sums.count)
    vector.values.reserveCapacity(sums.count)
    for (bucket, sum) in sums {
      let rarity = inverseFrequencies.isEmpty ? 1 : inverseFrequencies[bucket]
      guard rarity > 0 else { continue }
      var value = Float(sum.magnitude)
      // Most words come once.
      if isSublinear, value > 1 { value = 1 + Float(Double.log(Double(value))) }
      value *= rarity
      vector.indices.append(Int32(bucket))
      vector.values.append(sum < 0 ? -value : value)
    }
    if isNormalised {
      let norm = vector.values.reduce(0) { $0 + $1 * $1 }.squareRoot()
      if norm > 0 { for index in vector.values.indices { vector.values[index] /= norm } }
    }
    return vector
  }

  /// What `TermVocabulary` knows the phrases of a text by, in the order of the text.
  package func keys(of utf8: UnsafeBufferPointer<UInt8>) -> [UInt32] {
    hashes(utf8).map { UInt32(truncatingIfNeeded: $0 >> 32) }
  }

  private func hashes(_ utf8: UnsafeBufferPointer<UInt8>) -> [UInt64] {
    var hashes: [UInt64] = []
    if !words.isEmpty { appendWords(utf8, to: &hashes) }
    for length in bytes where length <= utf8.count {
      for start in 0...utf8.count - length {
        var hash = Hash(seed &+ UInt64(length))
        for byte in utf8[start..<start + length] { hash.add(lowercased(byte)) }
        hashes.append(hash.value)
      }
    }
    return hashes
  }

  /// Signed counts by bucket, rising, without the zeros that signs make.
  private func sums(_ text: String) -> [(bucket: Int, sum: Int)] {
    let hashes = withUTF8(text) { self.hashes($0) }
    // The bucket in the high bits, so that sorting brings equal ones together, and the sign below.
    let mask = UInt64(buckets - 1)
    var keys = hashes.map { UInt32(($0 & mask) << 1 | ($0 >> 63)) }
    sortByDigits(&keys, below: 2 * buckets)
    var sums: [(bucket: Int, sum: Int)] = []
    sums.reserveCapacity(keys.count)
    for key in keys {
      let (bucket, sign) = (Int(key >> 1), isSigned && key & 1 == 1 ? -1 : 1)
      if sums.last?.bucket == bucket {
        sums[sums.count - 1].sum += sign
      } else {
        sums.append((bucket, sign))
      }
    }
    sums.removeAll { $0.sum == 0 }
    return sums
  }

  private func appendWords(_ utf8: UnsafeBufferPointer<UInt8>, to hashes: inout [UInt64]) {
    hashes.reserveCapacity(utf8.count / 2)
    // Phrases of different lengths begin differently.
    let beginnings = words.map { Hash(seed &+ UInt64($0) << 32) }
    let fresh = Hash(seed)
    var hash = fresh
    var isInWord = false
    withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 16) { recent in
      recent.initialize(repeating: 0)
      // The last sixteen words, in a ring.
      var count = 0
      for index in 0...utf8.count {
        if index < utf8.count, isWordByte(utf8[index]) {
          hash.add(lowercased(utf8[index]))
          isInWord = true
          continue
        }
        guard isInWord else { continue }
        recent[count & 15] = hash.value
        count &+= 1
        (hash, isInWord) = (fresh, false)
        var length = words.lowerBound
        while length < words.upperBound, length <= count {
          var phrase = beginnings[length &- words.lowerBound]
          for place in count &- length..<count { phrase.add(recent[place & 15]) }
          hashes.append(phrase.value)
          length &+= 1
        }
      }
    }
  }
}

/// Radix sort from the lowest digit: for the few hundred keys of a text several times as fast as a sort
/// by comparison.
func sortByDigits(_ keys: inout [UInt32], below bound: Int) {
  let digit = 9
  var sorted = keys
  for shift in stride(from: 0, to: Int.bitWidth - (bound - 1).leadingZeroBitCount, by: digit) {
    withUnsafeTemporaryAllocation(of: Int32.self, capacity: 1 << digit) { places in
      places.initialize(repeating: 0)
      let mask = UInt32(places.count - 1)
      for key in keys { places[Int(key >> UInt32(shift) & mask)] += 1 }
      var start: Int32 = 0
      for value in places.indices {
        (places[value], start) = (start, start + places[value])
      }
      for key in keys {
        let value = Int(key >> UInt32(shift) & mask)
        sorted[Int(places[value])] = key
        places[value] += 1
      }
    }
    swap(&keys, &sorted)
  }
}

/// FNV-1a over 64 bits, from a seed, with a last mixing so that any bits of it make a bucket.
struct Hash {
  private var state: UInt64

  init(_ seed: UInt64) { state = 0xCBF2_9CE4_8422_2325 ^ SeededRandom.mix(seed) }

  mutating func add(_ byte: UInt8) { add(UInt64(byte)) }

  mutating func add(_ word: UInt64) { state = (state ^ word) &* 0x0000_0100_0000_01B3 }

  var value: UInt64 { SeededRandom.mix(state) }
}

/// Calls `body` with the bytes of a string, without a copy where the string allows it.
func withUTF8<Result>(_ text: String, _ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
  text.utf8.withContiguousStorageIfAvailable(body)
    ?? Array(text.utf8).withUnsafeBufferPointer(body)
}

/// Letters, digits, underscores, and every byte of a character outside of ASCII.
func isWordByte(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 128...255:
    true
  default: false
  }
}

private func lowercased(_ byte: UInt8) -> UInt8 {
  (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
}
