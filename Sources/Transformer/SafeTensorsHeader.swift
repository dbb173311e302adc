/// The header of a safetensors file: what its bytes are, by name.
///
/// The file is a little-endian u64 length, that many bytes of JSON
/// `{"__metadata__": {string: string}, name: {"dtype", "shape", "data_offsets"}}`, then the data, in
/// which the tensors lie end to end without gap or overlap.
struct SafeTensorsHeader {
  /// As large as the reference implementation allows.
  static let largestBytes = 100_000_000
  /// More dimensions than any model has.
  static let largestRank = 16
  static let metadataKey = "__metadata__"

  struct Entry {
    var tensor: TensorInfo
    /// Bytes of the data area.
    var range: Range<Int>
  }

  /// In the order of their data.
  var entries: [Entry] = []
  var metadata: [String: String] = [:]

  /// A header of `tensors`, one after the other.
  init(_ tensors: [TensorInfo], metadata: [String: String]) {
    self.metadata = metadata
    var end = 0
    for tensor in tensors {
      entries.append(Entry(tensor: tensor, range: end..<end + tensor.byteCount))
      end += tensor.byteCount
    }
  }

  /// The length that a file begins with, when `available` bytes follow it.
  static func checkedLength(
    _ length: UInt64, available: Int, path: String
  ) throws(ModelError) -> Int {
    guard length <= largestBytes, length <= max(available, 0) else {
      throw ModelError(
        .malformed, path: path, place: "byte 0",
        problem: "a header of \(length) bytes, \(max(available, 0)) bytes follow and"
          + " \(largestBytes) are allowed",
        advice: "not a safetensors file, or cut off")
    }
    return Int(length)
  }

  /// Reads the JSON; `dataBytes` is what the file has for the tensors, `source` says where the JSON
  /// is from.
  init(
    json: UnsafeRawBufferPointer, dataBytes: Int, path: String, source: String = "header"
  ) throws(ModelError) {
    var reader = SafeTensorsJSON(json, path: path, source: source)
    var names: Set<String> = []
    var sawMetadata = false
    var entries: [Entry] = []
    var metadata: [String: String] = [:]
    guard json.first == UInt8(ascii: "{") else {
      throw reader.fail("expected '{' at the beginning")
    }
    try reader.object { (reader, name) throws(ModelError) in
      if name == Self.metadataKey {
        guard !sawMetadata else { throw reader.fail("\(name.asJSON) comes twice") }
        sawMetadata = true
        try reader.object { (reader, key) throws(ModelError) in
          let value = try reader.string()
          guard metadata.updateValue(value, forKey: key) == nil else {
            throw reader.fail("metadata \(key.asJSON) comes twice")
          }
        }
      } else {
        guard names.insert(name).inserted else {
          throw reader.fail("tensor \(name.asJSON) comes twice")
        }
        entries.append(try Self.entry(name, from: &reader))
      }
    }
    try reader.finish()

    // Tensors without elements share their offset with the next one and come before it.
    entries.sort {
      ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
    }
    var end = 0
    for entry in entries {
      guard entry.range.lowerBound == end else {
        let what = entry.range.lowerBound < end ? "overlaps the tensor before" : "leaves a gap"
        throw ModelError(
          .malformed, path: path, place: "tensor \(entry.tensor.name)",
          problem: "begins at data byte \(entry.range.lowerBound), expected \(end): \(what)")
      }
      end = entry.range.upperBound
    }
    guard end == dataBytes else {
      throw ModelError(
        .malformed, path: path, place: source,
        problem: "the tensors have \(end) bytes, the file has \(dataBytes) for them",
        advice: end > dataBytes ? "the file is cut off" : "bytes follow the last tensor")
    }
    self.entries = entries
    self.metadata = metadata
  }

  private static func entry(
    _ name: String, from reader: inout SafeTensorsJSON
  ) throws(ModelError) -> Entry {
    var dtypeName: String?
    var shape: [Int]?
    var offsets: [Int]?
    try reader.object { (reader, key) throws(ModelError) in
      switch key {
      case "dtype" where dtypeName == nil: dtypeName = try reader.string()
      case "shape" where shape == nil: shape = try reader.integers(limit: largestRank)
      case "data_offsets" where offsets == nil: offsets = try reader.integers(limit: 2)
      default:
        throw reader.fail("tensor \(name.asJSON): the key \(key.asJSON) is unknown or comes twice")
      }
    }
    guard let dtypeName, let shape, let offsets, offsets.count == 2 else {
      throw reader.fail("tensor \(name.asJSON) lacks its dtype, shape or two data_offsets")
    }
    guard let dtype = TensorDType(rawValue: dtypeName) else {
      var error = reader.fail("tensor \(name.asJSON) has the unknown dtype \(dtypeName.asJSON)")
      error.code = .unsupported
      error.advice = "known: " + TensorDType.allCases.map(\.rawValue).joined(separator: ", ")
      throw error
    }
    guard let tensor = TensorInfo(name: name, dtype: dtype, shape: shape) else {
      throw reader.fail("tensor \(name.asJSON): the shape \(shape) is too large")
    }
    guard offsets[0] <= offsets[1], offsets[1] - offsets[0] == tensor.byteCount else {
      throw reader.fail(
        "tensor \(name.asJSON): data_offsets \(offsets) do not span the \(tensor.byteCount)"
          + " bytes of \(dtypeName) \(shape)")
    }
    return Entry(tensor: tensor, range: offsets[0]..<offsets[1])
  }

  /// The length and the JSON, padded with spaces so that the data begins at a multiple of 8.
  func encoded() -> [UInt8] {
    var members: [String] = []
    if !metadata.isEmpty {
      let pairs = metadata.sorted { $0.key < $1.key }.map { "\($0.key.asJSON):\($0.value.asJSON)" }
      members.append("\(Self.metadataKey.asJSON):{\(pairs.joined(separator: ","))}")
    }
    for entry in entries {
      let shape = entry.tensor.shape.map(String.init).joined(separator: ",")
      members.append(
        "\(entry.tensor.name.asJSON):{\"dtype\":\"\(entry.tensor.dtype.rawValue)\","
          + "\"shape\":[\(shape)],"
          + "\"data_offsets\":[\(entry.range.lowerBound),\(entry.range.upperBound)]}")
    }
    var json = Array("{\(members.joined(separator: ","))}".utf8)
    json.append(contentsOf: repeatElement(0x20, count: (8 - json.count % 8) % 8))
    return withUnsafeBytes(of: UInt64(json.count).littleEndian, Array.init) + json
  }
}
