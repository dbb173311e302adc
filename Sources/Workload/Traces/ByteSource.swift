/// Where a reader's bytes come from: a file, a decompressor, a test.
package protocol ByteSource {
  /// The next bytes, in pieces of any size; `nil` at the end.
  mutating func nextChunk() throws(WorkloadError) -> [UInt8]?
}

/// Bytes that are at hand, given out in pieces of `chunkSize`.
package struct BytesInMemory: ByteSource {
  private var rest: ArraySlice<UInt8>
  private let chunkSize: Int

  package init(_ bytes: [UInt8], chunkSize: Int = 1 << 16) {
    rest = bytes[...]
    self.chunkSize = max(1, chunkSize)
  }

  package init(_ text: String, chunkSize: Int = 1 << 16) {
    self.init(Array(text.utf8), chunkSize: chunkSize)
  }

  package mutating func nextChunk() -> [UInt8]? {
    guard !rest.isEmpty else { return nil }
    defer { rest = rest.dropFirst(chunkSize) }
    return Array(rest.prefix(chunkSize))
  }
}

/// Cuts bytes into lines without copying them: `bytes[range]` is the line at hand, without its
/// line feed or carriage return.
package struct LineSplitter<Source: ByteSource> {
  /// A line longer than this is an error, not an allocation.
  package static var longestLine: Int { 64 << 20 }

  private var source: Source
  private var ended = false
  package private(set) var bytes: [UInt8] = []
  package private(set) var range = 0..<0
  /// Number of the line at hand, counted from 1.
  package private(set) var number = 0
  private var position = 0
  private let name: String

  package init(_ source: Source, name: String) {
    self.source = source
    self.name = name
  }

  /// Moves to the next line; `false` at the end.
  package mutating func advance() throws(WorkloadError) -> Bool {
    var searched = position
    while true {
      if let end = firstLineFeed(from: searched) {
        setLine(position..<end)
        position = end + 1
        return true
      }
      searched = bytes.count
      if ended {
        guard position < bytes.count else { return false }
        setLine(position..<bytes.count)
        position = bytes.count
        return true
      }
      guard bytes.count - position <= Self.longestLine else {
        throw WorkloadError(
          .malformed, source: name, line: number + 1,
          problem: "the line is longer than \(Self.longestLine >> 20) MiB",
          advice: "is this a text file with one request a line?")
      }
      if let chunk = try source.nextChunk() {
        bytes.removeSubrange(..<position)
        searched -= position
        position = 0
        bytes.append(contentsOf: chunk)
      } else {
        ended = true
      }
    }
  }

  private mutating func setLine(_ whole: Range<Int>) {
    number += 1
    let ends = !whole.isEmpty && bytes[whole.upperBound - 1] == UInt8(ascii: "\r")
    range = whole.lowerBound..<whole.upperBound - (ends ? 1 : 0)
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    if number == 1, bytes[range].starts(with: mark) {
      range = range.lowerBound + 3..<range.upperBound
    }
  }

  private func firstLineFeed(from start: Int) -> Int? {
    let span = bytes.span
    var index = start
    while index < span.count {
      if span[index] == UInt8(ascii: "\n") { return index }
      index += 1
    }
    return nil
  }
}
