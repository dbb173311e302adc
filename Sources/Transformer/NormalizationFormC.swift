#if canImport(Darwin)
  import Foundation
#else
  // What full Foundation's precomposedStringWithCanonicalMapping calls here.
  @_spi(_Unicode) import Swift
#endif

extension String {
  /// The text in Unicode's normalization form C: composed characters where they exist.
  var normalizedToFormC: String {
    // Everything below U+0300 is its own form, and nothing composes without a scalar from there.
    if utf8.allSatisfy({ $0 < 0xCC }) { return self }
    #if canImport(Darwin)
      return precomposedStringWithCanonicalMapping
    #else
      var result = String.UnicodeScalarView()
      for scalar in _nfc { result.append(scalar) }
      return String(result)
    #endif
  }
}
