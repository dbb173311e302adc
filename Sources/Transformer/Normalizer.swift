/// What is done to a text before it is cut into words.
struct Normalizer: Sendable {
  enum Step: Equatable, Sendable {
    /// To Unicode's form C.
    case composed
    /// Puts a text before one that is not empty.
    case prepend([UInt8])
    /// Puts one text in the place of every occurrence of another.
    case replace([UInt8], by: [UInt8])
  }

  var steps: [Step] = []

  /// The normalized text, UTF-8.
  func normalized(_ text: some Collection<UInt8>) -> [UInt8] {
    var bytes = Array(text)
    for step in steps {
      switch step {
      case .composed: bytes = Array(String(decoding: bytes, as: UTF8.self).normalizedToFormC.utf8)
      case .prepend(let prefix): if !bytes.isEmpty { bytes.insert(contentsOf: prefix, at: 0) }
      case .replace(let old, let new): bytes = Self.replacing(old, by: new, in: bytes)
      }
    }
    return bytes
  }

  func normalized(_ text: String) -> String {
    steps.isEmpty ? text : String(decoding: normalized(text.utf8), as: UTF8.self)
  }

  static func replacing(_ old: [UInt8], by new: [UInt8], in bytes: [UInt8]) -> [UInt8] {
    guard let first = old.first, bytes.contains(first) else { return bytes }
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count + bytes.count / 2)
    var index = 0
    while index < bytes.count {
      if bytes[index] == first, bytes[index...].starts(with: old) {
        result.append(contentsOf: new)
        index += old.count
      } else {
        result.append(bytes[index])
        index += 1
      }
    }
    return result
  }
}

/// SentencePiece's way with spaces: a mark, U+2581, stands for each, and words begin with one.
struct Metaspace: Sendable {
  enum Prefix: String, Sendable {
    case always, first, never
  }

  static let mark: [UInt8] = [0xE2, 0x96, 0x81]
  var prefix: Prefix

  /// The text with marks for spaces.
  ///
  /// - Parameter isFirst: it is the beginning of the whole text.
  func marked(_ bytes: some Collection<UInt8>, isFirst: Bool) -> [UInt8] {
    var marked = Normalizer.replacing([0x20], by: Self.mark, in: Array(bytes))
    let wants = prefix == .always || (prefix == .first && isFirst)
    if wants, !marked.starts(with: Self.mark) { marked.insert(contentsOf: Self.mark, at: 0) }
    return marked
  }
}
