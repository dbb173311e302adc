/// Cuts the elements out of one JSON array of objects without holding the file: the form of the
/// authors' files, of which the largest is one line of several hundred megabytes.
struct JSONArraySplitter<Source: ByteSource> {
  private var source: Source
  private let name: String
  private var ended = false
  private(set) var bytes: [UInt8] = []
  /// Where the element at hand lies in `bytes`.
  private(set) var range = 0..<0
  /// The line on which the element at hand begins, counted from 1.
  private(set) var line = 1
  /// Elements so far, the one at hand included.
  private(set) var count = 0
  private var position = 0
  private var currentLine = 1
  private var isOpen = false

  init(_ source: Source, name: String) {
    self.source = source
    self.name = name
  }

  /// Moves to the next element; `false` after the closing bracket.
  mutating func advance() throws(WorkloadError) -> Bool {
    var mayEnd = true
    while let byte = try peek() {
      switch byte {
      case UInt8(ascii: "[") where !isOpen:
        isOpen = true
        position += 1
      case UInt8(ascii: ",") where isOpen && count > 0 && mayEnd:
        mayEnd = false
        position += 1
      case UInt8(ascii: "{") where isOpen && (count == 0 || !mayEnd):
        try takeElement()
        return true
      case UInt8(ascii: "]") where isOpen && mayEnd:
        position += 1
        return try expectEnd()
      case 0x20, 0x09, 0x0A, 0x0D:
        step(over: byte)
      default:
        throw failure("expected an array of objects, found \"\(Character(Unicode.Scalar(byte)))\"")
      }
    }
    throw failure("the array has no end after row \(count)", advice: "the file is cut off")
  }

  private mutating func expectEnd() throws(WorkloadError) -> Bool {
    while let byte = try peek() {
      guard byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D else {
        throw failure("something follows the array")
      }
      step(over: byte)
    }
    return false
  }

  private mutating func step(over byte: UInt8) {
    if byte == 0x0A { currentLine += 1 }
    position += 1
  }

  /// Finds the brace that closes the one at `position`.
  private mutating func takeElement() throws(WorkloadError) {
    bytes.removeSubrange(..<position)
    position = 0
    line = currentLine
    count += 1
    var depth = 0
    var isString = false
    while let byte = try peek() {
      step(over: byte)
      if isString {
        if byte == UInt8(ascii: "\\") {
          if try peek() != nil { position += 1 }
        } else if byte == UInt8(ascii: "\"") {
          isString = false
        }
        continue
      }
      switch byte {
      case UInt8(ascii: "\""): isString = true
      case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
      default: break
      }
      if depth == 0 {
        range = 0..<position
        return
      }
      guard position <= LineSplitter<Source>.longestLine else {
        throw failure("row \(count) is longer than \(LineSplitter<Source>.longestLine >> 20) MiB")
      }
    }
    throw failure("row \(count) has no end", advice: "the file is cut off")
  }

  private mutating func peek() throws(WorkloadError) -> UInt8? {
    while position >= bytes.count, !ended {
      if let chunk = try source.nextChunk() { bytes += chunk } else { ended = true }
    }
    return position < bytes.count ? bytes[position] : nil
  }

  private func failure(_ problem: String, advice: String? = nil) -> WorkloadError {
    WorkloadError(.malformed, source: name, line: currentLine, problem: problem, advice: advice)
  }
}
