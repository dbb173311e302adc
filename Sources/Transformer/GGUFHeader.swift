/// The header of a GGUF file (ggml's `docs/gguf.md`, versions 2 and 3, little-endian): typed keys and
/// values, then what the tensors are and where.
package struct GGUFHeader: Sendable {
  package enum Value: Equatable, Sendable {
    case integer(Int)
    case number(Double)
    case flag(Bool)
    case text(String)
    case integers([Int])
    case numbers([Double])
    case texts([String])
  }

  struct Tensor: Sendable {
    var name: String
    /// Row-major: the format lists the fastest dimension first.
    var shape: [Int]
    var type: UInt32
    /// Bytes from the beginning of the data.
    var offset: Int
  }

  /// As it stands at the beginning of a file: "GGUF".
  static let magic: UInt32 = 0x4655_4747
  /// A header is read into memory; no model's is anywhere near this large.
  private static let largestBytes = 1 << 28
  private static let mostKeys = 1 << 16
  private static let mostTensors = 1 << 16
  private static let mostElements = 1 << 24

  package let path: String
  package private(set) var values: [String: Value] = [:]
  private(set) var tensors: [Tensor] = []
  /// Where the tensors begin.
  private(set) var dataStart = 0

  init(_ file: InputFile) throws(ModelError) {
    path = file.path
    var reader = Reader(file, limit: Self.largestBytes)
    _ = try reader.integer(UInt32.self)
    let version = try reader.integer(UInt32.self)
    guard 2...3 ~= version else {
      throw ModelError(
        .unsupported, path: path, place: "byte 4", problem: "GGUF version \(version)",
        advice: "versions 2 and 3, little-endian, are read")
    }
    let tensorCount = try reader.count(of: 24, atMost: Self.mostTensors, "tensors")
    let keyCount = try reader.count(of: 13, atMost: Self.mostKeys, "keys")
    for _ in 0..<keyCount {
      let start = reader.position
      let key = try reader.text()
      let type = try reader.integer(UInt32.self)
      let value = try reader.value(type, mostElements: Self.mostElements)
      guard values.updateValue(value, forKey: key) == nil else {
        throw reader.fail("the key \(key.asJSON) comes twice", at: start)
      }
    }
    var names: Set<String> = []
    for _ in 0..<tensorCount {
      let start = reader.position
      let name = try reader.text()
      guard names.insert(name).inserted else {
        throw reader.fail("tensor \(name.asJSON) comes twice", at: start)
      }
      let rank = try reader.integer(UInt32.self)
      guard 1...4 ~= rank else { throw reader.fail("tensor \(name.asJSON) has \(rank) dimensions") }
      var shape: [Int] = []
      for _ in 0..<rank { shape.append(try reader.length()) }
      tensors.append(
        Tensor(
          name: name, shape: shape.reversed(), type: try reader.integer(UInt32.self),
          offset: try reader.length()))
    }
    var alignment = 32
    if let value = values["general.alignment"] {
      guard case .integer(let stated) = value, 1...(1 << 20) ~= stated, stated % 8 == 0 else {
        throw ModelError(
          .malformed, path: path, place: "general.alignment",
          problem: "is no multiple of 8 that is small enough")
      }
      alignment = stated
    }
    dataStart = (reader.position + alignment - 1) / alignment * alignment
  }
}

// MARK: - Values by key

extension GGUFHeader {
  /// Lets a key have another value, or none.
  package mutating func set(_ key: String, _ value: Value?) { values[key] = value }

  private func wrong(_ key: String, _ expected: String) -> ModelError {
    ModelError(
      .malformed, path: path, place: key,
      problem: values[key] == nil ? "the key is missing" : "expected \(expected)")
  }

  func integer(_ key: String) throws(ModelError) -> Int {
    guard case .integer(let value) = values[key] else { throw wrong(key, "a whole number") }
    return value
  }

  func integer(optional key: String) throws(ModelError) -> Int? {
    values[key] == nil ? nil : try integer(key)
  }

  func number(optional key: String) throws(ModelError) -> Double? {
    switch values[key] {
    case nil: return nil
    case .number(let value): return value
    case .integer(let value): return Double(value)
    default: throw wrong(key, "a number")
    }
  }

  func flag(optional key: String) throws(ModelError) -> Bool? {
    guard let value = values[key] else { return nil }
    guard case .flag(let flag) = value else { throw wrong(key, "true or false") }
    return flag
  }

  func text(_ key: String) throws(ModelError) -> String {
    guard case .text(let value) = values[key] else { throw wrong(key, "a string") }
    return value
  }

  func text(optional key: String) throws(ModelError) -> String? {
    values[key] == nil ? nil : try text(key)
  }

  func texts(_ key: String) throws(ModelError) -> [String] {
    guard case .texts(let value) = values[key] else { throw wrong(key, "an array of strings") }
    return value
  }

  func numbers(_ key: String) throws(ModelError) -> [Double] {
    guard case .numbers(let value) = values[key] else { throw wrong(key, "an array of numbers") }
    return value
  }

  func integers(optional key: String) throws(ModelError) -> [Int]? {
    guard let value = values[key] else { return nil }
    guard case .integers(let list) = value else { throw wrong(key, "an array of whole numbers") }
    return list
  }
}

// MARK: - Reading

/// Reads a header from front to back, a window of the file at a time. No length is believed that the
/// rest of the file could not hold.
private struct Reader {
  private let file: InputFile
  private let limit: Int
  private(set) var position = 0
  private var window: [UInt8] = []
  private var windowStart = 0

  init(_ file: InputFile, limit: Int) {
    self.file = file
    self.limit = min(limit, file.size)
  }

  func fail(_ problem: String, at place: Int? = nil) -> ModelError {
    ModelError(
      .malformed, path: file.path, place: "byte \(place ?? position)", problem: problem,
      advice: "not a sound GGUF file, or cut off")
  }

  /// The next `count` bytes.
  private mutating func take<Result>(
    _ count: Int, _ body: (UnsafeRawBufferPointer) -> Result
  ) throws(ModelError) -> Result {
    guard count <= limit - position else {
      throw fail("\(count) bytes are needed, \(limit - position) are left for the header")
    }
    if position + count > windowStart + window.count || position < windowStart {
      window = try file.bytes(at: position, count: min(limit - position, max(count, 1 << 18)))
      windowStart = position
    }
    let start = position - windowStart
    position += count
    return window.withUnsafeBytes {
      body(UnsafeRawBufferPointer(rebasing: $0[start..<start + count]))
    }
  }

  mutating func integer<Value: FixedWidthInteger>(_: Value.Type) throws(ModelError) -> Value {
    try take(MemoryLayout<Value>.size) { Value(littleEndian: $0.loadUnaligned(as: Value.self)) }
  }

  /// A length of 64 bits.
  mutating func length() throws(ModelError) -> Int {
    let start = position
    guard let value = Int(exactly: try integer(UInt64.self)) else {
      throw fail("a length beyond 63 bits", at: start)
    }
    return value
  }

  /// A number of things of at least `size` bytes each.
  mutating func count(
    of size: Int, atMost most: Int, _ what: String
  ) throws(ModelError) -> Int {
    let start = position
    let count = try length()
    guard count <= most, count <= (limit - position) / size else {
      throw fail("\(count) \(what) do not fit", at: start)
    }
    return count
  }

  mutating func text() throws(ModelError) -> String {
    let start = position
    let count = try length()
    guard let text = try take(count, { String(validating: $0, as: UTF8.self) }) else {
      throw fail("a string that is not UTF-8", at: start)
    }
    return text
  }

  mutating func value(_ type: UInt32, mostElements: Int) throws(ModelError) -> GGUFHeader.Value {
    switch type {
    case 8: return .text(try text())
    case 9:
      let element = try integer(UInt32.self)
      guard let size = Self.sizes[element] else { throw fail("an array of type \(element)") }
      let count = try count(of: size, atMost: mostElements, "elements")
      if element == 8 {
        var texts: [String] = []
        for _ in 0..<count { texts.append(try text()) }
        return .texts(texts)
      }
      if element == 6 || element == 12 {
        var numbers: [Double] = []
        numbers.reserveCapacity(count)
        for _ in 0..<count { numbers.append(try number(element)) }
        return .numbers(numbers)
      }
      var integers: [Int] = []
      integers.reserveCapacity(count)
      for _ in 0..<count { integers.append(try whole(element)) }
      return .integers(integers)
    case 6, 12: return .number(try number(type))
    case 7: return .flag(try integer(UInt8.self) != 0)
    default: return .integer(try whole(type))
    }
  }

  /// The fewest bytes of a value of each type.
  private static let sizes: [UInt32: Int] = [
    0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 8: 8, 10: 8, 11: 8, 12: 8,
  ]

  private mutating func number(_ type: UInt32) throws(ModelError) -> Double {
    type == 6
      ? Double(Float(bitPattern: try integer(UInt32.self)))
      : Double(bitPattern: try integer(UInt64.self))
  }

  private mutating func whole(_ type: UInt32) throws(ModelError) -> Int {
    switch type {
    case 0, 7: return Int(try integer(UInt8.self))
    case 1: return Int(try integer(Int8.self))
    case 2: return Int(try integer(UInt16.self))
    case 3: return Int(try integer(Int16.self))
    case 4: return Int(try integer(UInt32.self))
    case 5: return Int(try integer(Int32.self))
    case 10: return try length()
    case 11: return Int(try integer(Int64.self))
    default: throw fail("a value of the unknown type \(type)")
    }
  }
}
