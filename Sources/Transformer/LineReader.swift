import CZstd

/// Lines of text in a file, plain or compressed by zstd, one after the other.
package final class LineReader {
  package let path: String
  /// Of the line that was read last, from 1.
  package private(set) var lineNumber = 0

  private let file: InputFile
  private let decoder: ZstdStreamDecoder?
  private var offset = 0
  private var chunk = [UInt8](repeating: 0, count: 1 << 18)
  /// Text that no line has taken yet: `text[taken...]`.
  private var text: [UInt8] = []
  private var taken = 0

  /// No line of text that we read is anywhere near this long.
  private static let limit = 256 << 20

  /// - Throws: `missing`, `inputOutput`.
  package init(path: String) throws(ModelError) {
    self.path = path
    file = try InputFile(path: path)
    let magic: UInt32? = file.size >= 4 ? try file.integer(at: 0) : nil
    decoder = magic == ZSTD_MAGICNUMBER ? try ZstdStreamDecoder(path: path) : nil
  }

  /// The next line without its end; nil behind the last.
  ///
  /// - Throws: `malformed` for a damaged or truncated file, or a line that is too long.
  package func next() throws(ModelError) -> ArraySlice<UInt8>? {
    let newline = UInt8(ascii: "\n")
    var searched = taken
    while true {
      if let end = text[searched...].firstIndex(of: newline) {
        defer { taken = end + 1 }
        lineNumber += 1
        return text[taken..<end]
      }
      searched = text.count
      guard searched - taken <= Self.limit else {
        throw ModelError(
          .malformed, path: path, place: "line \(lineNumber + 1)",
          problem: "is longer than \(Self.limit >> 20) MiB")
      }
      // What lines have taken makes room for more.
      text.removeFirst(taken)
      searched -= taken
      taken = 0
      guard try fill() else {
        guard !text.isEmpty else { return nil }
        defer { taken = text.count }
        lineNumber += 1
        return text[...]
      }
    }
  }

  /// Appends what comes next to `text`; false at the end of the file.
  private func fill() throws(ModelError) -> Bool {
    let count = min(chunk.count, file.size - offset)
    guard count > 0 else {
      try decoder?.finish(path: path)
      return false
    }
    let (file, offset) = (file, offset)
    try chunk.withUnsafeMutableBufferPointer { (buffer) throws(ModelError) in
      try file.read(
        at: offset,
        into: UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: buffer[..<count])))
    }
    self.offset += count
    guard let decoder else {
      text += chunk[..<count]
      return true
    }
    try chunk.withUnsafeBufferPointer { (buffer) throws(ModelError) in
      let bytes = UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: buffer[..<count]))
      try decoder.decode(bytes, into: &text, path: path)
    }
    return true
  }
}

/// Decodes frames that follow each other, in pieces of any size.
private final class ZstdStreamDecoder {
  private let context: OpaquePointer
  private var room = [UInt8](repeating: 0, count: 1 << 18)
  /// Bytes that the decoder still waits for, about; 0 between frames.
  private var missing = 0

  init(path: String) throws(ModelError) {
    guard let context = ZSTD_createDCtx() else {
      throw ModelError(.outOfMemory, path: path, problem: "no memory for a zstd decoder")
    }
    ZSTD_DCtx_setMaxWindowSize(context, Int(ZstdDecoder.largestWindow))
    self.context = context
  }

  deinit { ZSTD_freeDCtx(context) }

  func decode(
    _ bytes: UnsafeRawBufferPointer, into text: inout [UInt8], path: String
  ) throws(ModelError) {
    var input = ZSTD_inBuffer(src: bytes.baseAddress, size: bytes.count, pos: 0)
    var isFull = false
    // A full buffer may leave text in the decoder though all of the input was taken.
    while input.pos < input.size || isFull {
      let size = room.count
      let produced = room.withUnsafeMutableBytes { buffer in
        var output = ZSTD_outBuffer(dst: buffer.baseAddress, size: size, pos: 0)
        missing = ZSTD_decompressStream(context, &output, &input)
        return output.pos
      }
      guard ZSTD_isError(missing) == 0 else {
        throw ModelError(
          .malformed, path: path,
          problem: "is damaged: \(String(cString: ZSTD_getErrorName(missing)))")
      }
      text += room[..<produced]
      isFull = produced == size
    }
  }

  /// - Throws: `malformed` when the file ends inside a frame.
  func finish(path: String) throws(ModelError) {
    guard missing == 0 else {
      throw ModelError(
        .malformed, path: path, problem: "is cut off: its last zstd frame ends early")
    }
  }
}
