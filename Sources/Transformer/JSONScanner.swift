/// Reads JSON from one value to the next and makes nothing of those that nobody asks for.
///
/// It is for the two large parts of a `tokenizer.json`: a decoder of whole values takes seconds for
/// them, and the keys that it gives are strings, of which two are equal where they only look so.
struct JSONScanner: ~Copyable {
  private let bytes: UnsafeRawBufferPointer
  private let path: String
  private(set) var position = 0

  /// - Parameter bytes: UTF-8, and good as long as the scanner is used.
  init(_ bytes: UnsafeRawBufferPointer, path: String) {
    self.bytes = bytes
    self.path = path
  }

  /// The same bytes, read from `position` on.
  init(_ bytes: UnsafeRawBufferPointer, from position: Int, path: String) {
    self.init(bytes, path: path)
    self.position = position
  }

  func fail(_ problem: String, at position: Int? = nil) -> ModelError {
    ModelError(
      .malformed, path: path, place: "byte \(position ?? self.position)",
      problem: "not valid JSON: \(problem)")
  }

  /// The byte that the next value begins with, or what else follows; nil at the end.
  mutating func peek() -> UInt8? {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x0A, 0x0D, 0x09: position += 1
      case let byte: return byte
      }
    }
    return nil
  }

  /// Passes over `character` if it comes next.
  mutating func accept(_ character: Unicode.Scalar) -> Bool {
    guard let byte = peek(), UInt32(byte) == character.value else { return false }
    position += 1
    return true
  }

  mutating func expect(_ character: Unicode.Scalar) throws(ModelError) {
    guard accept(character) else { throw fail("expected '\(character)'") }
  }

  /// Passes over an object; `member` is called at each value with the bytes of its key, quotes and
  /// all, and must pass over the value.
  mutating func object(
    _ member: (inout JSONScanner, _ key: Range<Int>) throws(ModelError) -> Void
  ) throws(ModelError) {
    try expect("{")
    if accept("}") { return }
    repeat {
      guard peek() == UInt8(ascii: "\"") else { throw fail("expected a key") }
      let key = try skip()
      try expect(":")
      try member(&self, key)
    } while accept(",")
    try expect("}")
  }

  /// Passes over an array; `element` is called at each element and must pass over it.
  mutating func array(
    _ element: (inout JSONScanner) throws(ModelError) -> Void
  ) throws(ModelError) {
    try expect("[")
    if accept("]") { return }
    repeat { try element(&self) } while accept(",")
    try expect("]")
  }

  /// Passes over a value, of which only the brackets and the ends of its strings are looked at.
  ///
  /// - Returns: its bytes.
  mutating func skip() throws(ModelError) -> Range<Int> {
    guard peek() != nil else { throw fail("a value is missing") }
    let start = position
    var depth = 0
    repeat {
      guard let byte = peek() else { throw fail("a value without end", at: start) }
      switch byte {
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        depth += 1
        position += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        guard depth > 0 else { throw fail("a value is missing") }
        depth -= 1
        position += 1
      case UInt8(ascii: "\""): try skipString()
      case UInt8(ascii: ","), UInt8(ascii: ":"):
        guard depth > 0 else { throw fail("a value is missing") }
        position += 1
      default:
        while position < bytes.count, !Self.ends(bytes[position]) { position += 1 }
      }
    } while depth > 0
    return start..<position
  }

  /// Whether a number or a word ends before the byte.
  private static func ends(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x20, 0x0A, 0x0D, 0x09: true
    case UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: "\""): true
    case UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "["), UInt8(ascii: "]"): true
    default: false
    }
  }

  private mutating func skipString() throws(ModelError) {
    let start = position
    position += 1
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "\""):
        position += 1
        return
      case UInt8(ascii: "\\"): position += 2
      default: position += 1
      }
    }
    throw fail("a string without end", at: start)
  }

  /// Appends the UTF-8 bytes of a string.
  mutating func string(into text: inout [UInt8]) throws(ModelError) {
    guard peek() == UInt8(ascii: "\"") else { throw fail("expected a string") }
    let start = position
    position += 1
    var plain = position
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "\""):
        text.append(contentsOf: bytes[plain..<position])
        position += 1
        return
      case UInt8(ascii: "\\"):
        text.append(contentsOf: bytes[plain..<position])
        position += 1
        text.append(contentsOf: String(try escape()).utf8)
        plain = position
      case 0..<0x20: throw fail("a control character in a string")
      default: position += 1
      }
    }
    throw fail("a string without end", at: start)
  }

  private mutating func escape() throws(ModelError) -> Unicode.Scalar {
    do throws(JSONEscape.Problem) {
      return try JSONEscape.scalar(in: bytes, at: &position)
    } catch {
      throw fail(error.text)
    }
  }

  /// A whole number; nil for any other value, which is passed over too.
  mutating func integer() throws(ModelError) -> Int? {
    let range = try skip()
    let digits = bytes[range]
    let isNegative = digits.first == UInt8(ascii: "-")
    let magnitude = isNegative ? digits.dropFirst() : digits
    guard !magnitude.isEmpty, magnitude.count <= 18 else { return nil }
    var value = 0
    for byte in magnitude {
      guard 0x30...0x39 ~= byte else { return nil }
      value = value * 10 + Int(byte - 0x30)
    }
    return isNegative ? -value : value
  }

  /// Only spaces may follow.
  mutating func finish() throws(ModelError) {
    guard peek() == nil else { throw fail("something follows the last '}'") }
  }
}
