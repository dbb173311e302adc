/// Reads the JSON that a safetensors header may be made of: objects, arrays, strings and whole
/// numbers, nothing else, no deeper than the format goes.
///
/// Not a general JSON reader on purpose: what the format does not have is an error with its byte.
struct SafeTensorsJSON: ~Copyable {
  private let bytes: UnsafeRawBufferPointer
  private let path: String
  /// What the bytes are, for errors: "header".
  private let source: String
  private(set) var position = 0

  init(_ bytes: UnsafeRawBufferPointer, path: String, source: String) {
    self.bytes = bytes
    self.path = path
    self.source = source
  }

  func fail(_ problem: String, at position: Int? = nil) -> ModelError {
    ModelError(
      .malformed, path: path, place: "\(source), byte \(position ?? self.position)",
      problem: problem, advice: "not a sound safetensors header")
  }

  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
      position += 1
    }
  }

  /// Passes over `character` if it comes next.
  private mutating func accept(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard let byte = next, UInt32(byte) == character.value else { return false }
    position += 1
    return true
  }

  private mutating func expect(_ character: Unicode.Scalar) throws(ModelError) {
    guard accept(character) else {
      let found = next.map { "byte \($0)" } ?? "the end"
      throw fail("expected '\(character)', found \(found)")
    }
  }

  /// An object; `member` is called at each value with its key and must read the value.
  mutating func object(
    _ member: (inout SafeTensorsJSON, String) throws(ModelError) -> Void
  ) throws(ModelError) {
    try expect("{")
    if accept("}") { return }
    repeat {
      let key = try string()
      try expect(":")
      try member(&self, key)
    } while accept(",")
    try expect("}")
  }

  /// An array of at most `limit` whole numbers.
  mutating func integers(limit: Int) throws(ModelError) -> [Int] {
    try expect("[")
    if accept("]") { return [] }
    var values: [Int] = []
    repeat {
      guard values.count < limit else { throw fail("more than \(limit) numbers") }
      values.append(try integer())
    } while accept(",")
    try expect("]")
    return values
  }

  private mutating func integer() throws(ModelError) -> Int {
    skipSpace()
    let start = position
    var value = 0
    while let byte = next, byte >= 0x30, byte <= 0x39 {
      let (scaled, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = scaled.addingReportingOverflow(Int(byte) - 0x30)
      guard !overflow, !carry else { throw fail("a number too large for 63 bits", at: start) }
      value = sum
      position += 1
    }
    guard position > start else { throw fail("expected a whole number of zero or more") }
    guard position - start == 1 || bytes[start] != 0x30 else {
      throw fail("a number that begins with 0", at: start)
    }
    return value
  }

  mutating func string() throws(ModelError) -> String {
    try expect("\"")
    let start = position
    var text: [UInt8] = []
    while true {
      guard let byte = next else { throw fail("a string without end", at: start) }
      position += 1
      switch byte {
      case 0x22:
        guard let valid = String(validating: text, as: UTF8.self) else {
          throw fail("a string that is not UTF-8", at: start)
        }
        return valid
      case 0x5C:
        text.append(contentsOf: String(try escape()).utf8)
      case 0..<0x20:
        throw fail("a control character in a string", at: position - 1)
      default:
        text.append(byte)
      }
    }
  }

  private mutating func escape() throws(ModelError) -> Unicode.Scalar {
    do throws(JSONEscape.Problem) {
      return try JSONEscape.scalar(in: bytes, at: &position)
    } catch {
      throw fail(error.text)
    }
  }

  /// Only spaces may follow.
  mutating func finish() throws(ModelError) {
    skipSpace()
    guard position == bytes.count else { throw fail("something follows the last '}'") }
  }
}

extension String {
  /// As a JSON string, quotes and all.
  var asJSON: String {
    var text = "\""
    for scalar in unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case "\u{0}"..<" ":
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text + "\""
  }
}
