import FoundationEssentials

/// Small JSON files beside the weights, decoded with errors that name the file and the key.
enum JSONFile {
  /// No configuration file that we read is anywhere near this size.
  private static let limit = 64 << 20

  static func exists(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: path)
  }

  static func isFolder(_ path: String) -> Bool {
    (try? FileManager.default.contentsOfDirectory(atPath: path)) != nil
  }

  /// The names in a folder.
  static func names(in folder: String) -> [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
  }

  static func decode<Value: Decodable>(
    _ path: String, as type: Value.Type = Value.self
  ) throws(ModelError) -> Value {
    try decode(bytes(path), path: path)
  }

  /// - Parameter path: where the bytes are from, for errors.
  static func decode<Value: Decodable>(
    _ bytes: [UInt8], as type: Value.Type = Value.self, path: String
  ) throws(ModelError) -> Value {
    do {
      return try JSONDecoder().decode(Value.self, from: Data(bytes))
    } catch let error as DecodingError {
      throw ModelError(.malformed, path: path, place: error.place, problem: error.problem)
    } catch {
      throw ModelError(.malformed, path: path, problem: "\(error)")
    }
  }

  /// The text of a small file that is not JSON.
  static func text(_ path: String) throws(ModelError) -> String {
    guard let text = String(validating: try bytes(path), as: UTF8.self) else {
      throw ModelError(.malformed, path: path, problem: "is not UTF-8")
    }
    return text
  }

  /// The bytes of a file, if they are not too many.
  static func bytes(_ path: String) throws(ModelError) -> [UInt8] {
    guard exists(path) else {
      throw ModelError(.missing, path: path, problem: "there is no such file")
    }
    let file = try InputFile(path: path)
    guard file.size <= limit else {
      throw ModelError(
        .malformed, path: path,
        problem: "\(file.size) bytes is too large for a JSON file of a model")
    }
    return try file.bytes(at: 0, count: file.size)
  }
}

extension DecodingError {
  private var context: Context? {
    switch self {
    case .typeMismatch(_, let context), .valueNotFound(_, let context),
      .keyNotFound(_, let context), .dataCorrupted(let context):
      context
    @unknown default: nil
    }
  }

  /// The path of keys to the value that is wrong; nil where the whole is.
  package var place: String? {
    var keys = context?.codingPath.map(\.stringValue) ?? []
    if case .keyNotFound(let key, _) = self { keys.append(key.stringValue) }
    return keys.isEmpty ? nil : keys.joined(separator: ".")
  }

  /// What is wrong there, without the type names of the decoder.
  package var problem: String {
    switch self {
    case .typeMismatch(let type, _): "expected \(type)"
    case .valueNotFound(let type, _): "expected \(type), found null"
    case .keyNotFound: "the key is missing"
    case .dataCorrupted(let context):
      context.codingPath.isEmpty ? "not valid JSON" : context.debugDescription
    @unknown default: "cannot be decoded"
    }
  }
}
