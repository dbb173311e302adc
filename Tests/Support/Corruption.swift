/// Damages files as disks, networks and ill will do.
package enum Corruption: CaseIterable {
  case flipBits
  case overwrite
  case truncate
  case remove
  case insert
  case move
  /// A little-endian length at a random place becomes another one.
  case length32
  case length64
  /// A length in the last bytes, where tables of contents are.
  case tailLength
  /// A digit of text becomes another, or comes twice.
  case digit

  /// Damages `bytes`, which are not empty, in a random way, and says in which.
  package static func damage(
    _ bytes: inout [UInt8], using generator: inout some RandomNumberGenerator
  ) -> Corruption {
    let kind = allCases.randomElement(using: &generator) ?? .flipBits
    kind.apply(&bytes, &generator)
    return kind
  }

  private func apply(_ bytes: inout [UInt8], _ generator: inout some RandomNumberGenerator) {
    let count = bytes.count
    func place(_ generator: inout some RandomNumberGenerator) -> Int {
      // The beginning is where the lengths are.
      Bool.random(using: &generator)
        ? Int.random(in: 0..<count, using: &generator)
        : Int.random(in: 0..<min(count, 64), using: &generator)
    }
    func range(_ generator: inout some RandomNumberGenerator) -> Range<Int> {
      let start = place(&generator)
      return start..<min(count, start + Int.random(in: 1...64, using: &generator))
    }
    switch self {
    case .flipBits:
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        bytes[place(&generator)] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
      }
    case .overwrite:
      for index in range(&generator) { bytes[index] = .random(in: 0...255, using: &generator) }
    case .truncate:
      bytes.removeLast(Int.random(in: 1...count, using: &generator))
    case .remove:
      bytes.removeSubrange(range(&generator))
    case .insert:
      let added = bytes[range(&generator)]
      bytes.insert(contentsOf: added, at: place(&generator))
    case .move:
      let (from, to) = (range(&generator), place(&generator))
      let moved = bytes[from]
      bytes.replaceSubrange(to..<min(count, to + moved.count), with: moved)
    case .length32: putLength(4, at: place(&generator), in: &bytes, &generator)
    case .length64: putLength(8, at: place(&generator), in: &bytes, &generator)
    case .tailLength:
      let back = Int.random(in: 4...200, using: &generator)
      putLength(4, at: max(0, count - back), in: &bytes, &generator)
    case .digit:
      let digits = bytes.indices.filter { (0x30...0x39).contains(bytes[$0]) }
      guard let index = digits.randomElement(using: &generator) else { return }
      let digit = UInt8.random(in: 0x30...0x39, using: &generator)
      if Bool.random(using: &generator) {
        bytes[index] = digit
      } else {
        bytes.insert(digit, at: index)
      }
    }
  }

  private func putLength(
    _ width: Int, at place: Int, in bytes: inout [UInt8],
    _ generator: inout some RandomNumberGenerator
  ) {
    var old: UInt64 = 0
    let end = min(bytes.count, place + width)
    for index in (place..<end).reversed() { old = old << 8 | UInt64(bytes[index]) }
    let size = UInt64(bytes.count)
    let lengths: [UInt64] = [
      0, 1, old &+ 1, old &- 1, old &* 2, old / 2, size, size - 1, size + 1, 1 << 17, 1 << 27,
      1 << 31, 1 << 32 - 1, 1 << 63, .max,
    ]
    var length = lengths.randomElement(using: &generator) ?? 0
    for index in place..<end {
      bytes[index] = UInt8(truncatingIfNeeded: length)
      length >>= 8
    }
  }
}
