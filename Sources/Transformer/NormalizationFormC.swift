#if canImport(Darwin)
  import Foundation
#else
  // What full Foundation's precomposedStringWithCanonicalMapping calls here.
  @_spi(_Unicode) import Swift
#endif

extension String {
  /// The text in Unicode's normalization form C: composed characters where they exist.
  ///
  /// As the `tokenizers` library has it, whose Unicode is version 9: models were trained with that.
  var normalizedToFormC: String {
    // Everything below U+0300 is its own form, and nothing composes without a scalar from there.
    if utf8.allSatisfy({ $0 < 0xCC }) { return self }
    var result = String.UnicodeScalarView()
    var rest = unicodeScalars[...]
    while let index = rest.firstIndex(where: YoungMarks.contain) {
      result.append(contentsOf: Self.composed(rest[..<index]))
      result.append(rest[index])
      rest = rest[rest.index(after: index)...]
    }
    result.append(contentsOf: Self.composed(rest))
    return String(result)
  }

  private static func composed(_ scalars: Substring.UnicodeScalarView) -> String.UnicodeScalarView {
    #if canImport(Darwin)
      return String(Substring(scalars)).precomposedStringWithCanonicalMapping.unicodeScalars
    #else
      var result = String.UnicodeScalarView()
      // Swift leaves three vowels of Tibetan behind marks that they belong before.
      let vowels: [Unicode.Scalar: Unicode.Scalar] = [
        "\u{F73}": "\u{F72}", "\u{F75}": "\u{F74}", "\u{F81}": "\u{F80}",
      ]
      var text = String.UnicodeScalarView()
      for scalar in scalars {
        if let second = vowels[scalar] {
          text.append("\u{F71}")
          text.append(second)
        } else {
          text.append(scalar)
        }
      }
      for scalar in String(text)._nfc { result.append(scalar) }
      return result
    #endif
  }
}

/// Marks that came after Unicode 9, and letters that compose since then: for the `tokenizers` library
/// they are letters that nothing passes and nothing joins.
private enum YoungMarks {
  static func contain(_ scalar: Unicode.Scalar) -> Bool {
    guard scalar.value >= ranges[0].lowerBound else { return false }
    var (low, high) = (0, ranges.count)
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].upperBound < scalar.value { low = middle + 1 } else { high = middle }
    }
    return low < ranges.count && ranges[low].contains(scalar.value)
  }

  private static let ranges: [ClosedRange<UInt32>] = [
    0x07FD...0x07FD, 0x0897...0x089F, 0x08CA...0x08D3, 0x09FE...0x09FE, 0x0C3C...0x0C3C,
    0x0D3B...0x0D3C, 0x0EBA...0x0EBA, 0x1715...0x1715, 0x1ABF...0x1AEB, 0x1DF6...0x1DFA,
    0xA82C...0xA82C, 0x105D2...0x105D2, 0x105DA...0x105DA, 0x10D24...0x10D27, 0x10D69...0x10D6D,
    0x10EAB...0x10EAC, 0x10EFA...0x10EFF, 0x10F46...0x10F50, 0x10F82...0x10F85, 0x11070...0x11070,
    0x1133B...0x1133B, 0x11382...0x11382, 0x11384...0x11384, 0x1138B...0x1138B, 0x11390...0x11390,
    0x113C2...0x113C2, 0x113CE...0x113D0, 0x1145E...0x1145E, 0x11839...0x1183A, 0x11930...0x11930,
    0x1193D...0x1193E, 0x11943...0x11943, 0x119E0...0x119E0, 0x11A34...0x11A34, 0x11A47...0x11A47,
    0x11A99...0x11A99, 0x11D42...0x11D42, 0x11D44...0x11D45, 0x11D97...0x11D97, 0x11F41...0x11F42,
    0x1611E...0x1612F, 0x16D63...0x16D63, 0x16D67...0x16D69, 0x16FF0...0x16FF1, 0x1E08F...0x1E08F,
    0x1E130...0x1E136, 0x1E2AE...0x1E2AE, 0x1E2EC...0x1E2EF, 0x1E4EC...0x1E4EF, 0x1E5EE...0x1E5EF,
    0x1E6E3...0x1E6E3, 0x1E6E6...0x1E6E6, 0x1E6EE...0x1E6EF, 0x1E6F5...0x1E6F5,
  ]
}
