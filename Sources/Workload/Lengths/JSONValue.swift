/// A JSON document in memory. Python's `NaN` and `Infinity` are numbers here too, so that whoever
/// wants finite ones can say what was found.
enum JSONValue: Equatable, Sendable {
  case null
  case boolean(Bool)
  /// A number without fraction and exponent.
  case integer(Int)
  case number(Double)
  case string(String)
  case array([JSONValue])
  /// In the order of the text; of members with the same key the last counts.
  case object([Member])

  struct Member: Equatable, Sendable {
    var key: String
    var value: JSONValue
  }

  /// The value of `key` in an object.
  subscript(key: String) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    return members.last { $0.key == key }?.value
  }

  /// For an error message: the value in short.
  var summary: String {
    switch self {
    case .null: "null"
    case .boolean(let value): "\(value)"
    case .integer(let value): "\(value)"
    case .number(let value): "\(value)"
    case .string(let value): "the string \"\(value.prefix(24))\(value.count > 24 ? "…" : "")\""
    case .array(let values): "an array of \(values.count)"
    case .object: "an object"
    }
  }
}

/// Where a text stops being JSON.
struct JSONSyntaxError: Error, Equatable {
  /// Bytes from the start of the text.
  var offset: Int
  var problem: String
  /// The text ends where a value should go on.
  var isTruncation = false
}

extension JSONValue {
  /// Reads the one value that `bytes[range]` holds.
  init(parsing bytes: [UInt8], in range: Range<Int>) throws(JSONSyntaxError) {
    var parser = JSONParser(
      bytes: bytes, at: range.lowerBound, start: range.lowerBound, end: range.upperBound)
    self = try parser.value(depth: 0)
    parser.skipBlanks()
    if parser.at != range.upperBound { throw parser.error("expected the end of the row") }
  }

  init(parsing text: String) throws(JSONSyntaxError) {
    let bytes = Array(text.utf8)
    try self.init(parsing: bytes, in: 0..<bytes.count)
  }
}

private struct JSONParser {
  let bytes: [UInt8]
  var at: Int
  let start: Int
  let end: Int

  /// Deeper nesting is an error, not a stack overflow.
  private static let deepest = 64

  func error(_ problem: String) -> JSONSyntaxError {
    JSONSyntaxError(
      offset: at - start, problem: at < end ? problem : "\(problem), found the end",
      isTruncation: at >= end)
  }

  mutating func skipBlanks() {
    while at < end, bytes[at] == 0x20 || bytes[at] == 0x09 || bytes[at] == 0x0A || bytes[at] == 0x0D
    {
      at += 1
    }
  }

  mutating func value(depth: Int) throws(JSONSyntaxError) -> JSONValue {
    skipBlanks()
    guard at < end else { throw error("expected a value") }
    guard depth < Self.deepest else { throw error("more than \(Self.deepest) levels") }
    switch bytes[at] {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .boolean(true))
    case UInt8(ascii: "f"): return try word("false", .boolean(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case UInt8(ascii: "N"): return try word("NaN", .number(.nan))
    case UInt8(ascii: "I"): return try word("Infinity", .number(.infinity))
    default: return try number()
    }
  }

  private mutating func word(_ text: String, _ value: JSONValue) throws(JSONSyntaxError)
    -> JSONValue
  {
    for byte in text.utf8 {
      guard at < end, bytes[at] == byte else { throw error("expected \(text)") }
      at += 1
    }
    return value
  }

  private mutating func number() throws(JSONSyntaxError) -> JSONValue {
    let first = at
    if bytes[at] == UInt8(ascii: "-") { at += 1 }
    if at < end, bytes[at] == UInt8(ascii: "I") { return try word("Infinity", .number(-.infinity)) }
    var isWhole = true
    scan: while at < end {
      switch bytes[at] {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): break
      case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"), UInt8(ascii: "+"),
        UInt8(ascii: "-"):
        isWhole = false
      default: break scan
      }
      at += 1
    }
    let text = String(decoding: bytes[first..<at], as: UTF8.self)
    if isWhole, let value = Int(text) { return .integer(value) }
    guard let value = Double(text) else {
      at = first
      throw error("expected a value")
    }
    return .number(value)
  }

  private mutating func array(depth: Int) throws(JSONSyntaxError) -> JSONValue {
    var values: [JSONValue] = []
    at += 1
    skipBlanks()
    if at < end, bytes[at] == UInt8(ascii: "]") {
      at += 1
      return .array(values)
    }
    while true {
      values.append(try value(depth: depth + 1))
      skipBlanks()
      guard at < end, bytes[at] == UInt8(ascii: ",") || bytes[at] == UInt8(ascii: "]") else {
        throw error("expected , or ]")
      }
      at += 1
      if bytes[at - 1] == UInt8(ascii: "]") { return .array(values) }
    }
  }

  private mutating func object(depth: Int) throws(JSONSyntaxError) -> JSONValue {
    var members: [JSONValue.Member] = []
    at += 1
    skipBlanks()
    if at < end, bytes[at] == UInt8(ascii: "}") {
      at += 1
      return .object(members)
    }
    while true {
      skipBlanks()
      guard at < end, bytes[at] == UInt8(ascii: "\"") else { throw error("expected a key") }
      let key = try string()
      skipBlanks()
      guard at < end, bytes[at] == UInt8(ascii: ":") else { throw error("expected :") }
      at += 1
      members.append(JSONValue.Member(key: key, value: try value(depth: depth + 1)))
      skipBlanks()
      guard at < end, bytes[at] == UInt8(ascii: ",") || bytes[at] == UInt8(ascii: "}") else {
        throw error("expected , or }")
      }
      at += 1
      if bytes[at - 1] == UInt8(ascii: "}") { return .object(members) }
    }
  }

  private mutating func string() throws(JSONSyntaxError) -> String {
    at += 1
    var first = at
    var decoded: [UInt8] = []
    while true {
      guard at < end else { throw error("expected the end of a string") }
      switch bytes[at] {
      case UInt8(ascii: "\""):
        let text =
          decoded.isEmpty
          ? String(validating: bytes[first..<at], as: UTF8.self)
          : String(validating: decoded + bytes[first..<at], as: UTF8.self)
        guard let text else { throw error("a string that is not UTF-8 ends here") }
        at += 1
        return text
      case UInt8(ascii: "\\"):
        decoded += bytes[first..<at]
        decoded += try escape()
        first = at
      case ..<0x20: throw error("a control character inside a string")
      default: at += 1
      }
    }
  }

  /// The bytes of the escape sequence that begins here.
  private mutating func escape() throws(JSONSyntaxError) -> [UInt8] {
    at += 1
    guard at < end else { throw error("expected an escape") }
    at += 1
    switch bytes[at - 1] {
    case UInt8(ascii: "n"): return [0x0A]
    case UInt8(ascii: "t"): return [0x09]
    case UInt8(ascii: "r"): return [0x0D]
    case UInt8(ascii: "b"): return [0x08]
    case UInt8(ascii: "f"): return [0x0C]
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [bytes[at - 1]]
    case UInt8(ascii: "u"): return try Array(String(Character(escapedScalar())).utf8)
    default: throw error("an escape that JSON does not have")
    }
  }

  private mutating func escapedScalar() throws(JSONSyntaxError) -> Unicode.Scalar {
    let first = try fourDigits()
    if let scalar = Unicode.Scalar(first) { return scalar }
    // A character beyond the first 65,536 comes as two halves. Half of one alone stands for nothing.
    guard first < 0xDC00, at + 1 < end, bytes[at] == UInt8(ascii: "\\"),
      bytes[at + 1] == UInt8(ascii: "u")
    else { return "\u{FFFD}" }
    let back = at
    at += 2
    let second = try fourDigits()
    if (0xDC00...0xDFFF).contains(second),
      let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
    {
      return scalar
    }
    at = back
    return "\u{FFFD}"
  }

  private mutating func fourDigits() throws(JSONSyntaxError) -> UInt32 {
    guard at + 4 <= end else {
      at = end
      throw error("expected four hexadecimal digits")
    }
    let text = String(decoding: bytes[at..<at + 4], as: UTF8.self)
    guard text.utf8.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }),
      let value = UInt32(text, radix: 16)
    else { throw error("expected four hexadecimal digits") }
    at += 4
    return value
  }
}
