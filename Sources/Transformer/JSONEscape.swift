/// What follows a backslash in a string of JSON (RFC 8259, section 7).
enum JSONEscape {
  /// What is wrong with one.
  struct Problem: Error {
    var text: String
  }

  /// The scalar of the escape whose first byte after the backslash is at `position`, which passes over
  /// it.
  static func scalar(
    in bytes: UnsafeRawBufferPointer, at position: inout Int
  ) throws(Problem) -> Unicode.Scalar {
    guard position < bytes.count else { throw Problem(text: "a string without end") }
    let byte = bytes[position]
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "/"), UInt8(ascii: "\\"): return Unicode.Scalar(byte)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      let first = try hexadecimal(bytes, &position)
      if let scalar = Unicode.Scalar(first) { return scalar }
      guard first < 0xDC00, position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
        bytes[position + 1] == UInt8(ascii: "u")
      else { throw Problem(text: "half of a surrogate pair") }
      position += 2
      let second = try hexadecimal(bytes, &position)
      guard 0xDC00...0xDFFF ~= second,
        let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
      else { throw Problem(text: "half of a surrogate pair") }
      return scalar
    default: throw Problem(text: "an unknown escape")
    }
  }

  private static func hexadecimal(
    _ bytes: UnsafeRawBufferPointer, _ position: inout Int
  ) throws(Problem) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard position < bytes.count,
        let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue,
        bytes[position] < 0x80
      else { throw Problem(text: "expected four hexadecimal digits") }
      value = value << 4 | UInt32(digit)
      position += 1
    }
    return value
  }
}
