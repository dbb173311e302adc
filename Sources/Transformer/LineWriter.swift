/// Lines of text in a file that `zstd -d` reads: frames of about a megabyte each, so that what was
/// written before a crash can be read.
///
/// The file gets its name when it is complete; before, it has another beside it.
package final class LineWriter {
  private let file: OutputFile
  private let encoder: FrameEncoder
  private var pending: [UInt8] = []

  private static let frameSize = 1 << 20
  /// As zstd's own; JSON lines shrink to a tenth, higher levels gain little more.
  private static let level = 3

  /// - Throws: `missing` when the folder is not there, `inputOutput`, `outOfMemory`.
  package init(path: String) throws(ModelError) {
    file = try OutputFile(path: path, readable: true)
    encoder = try FrameEncoder(path: path, level: Self.level)
  }

  /// Appends a line; the newline is added.
  package func append(_ line: some Sequence<UInt8>) throws(ModelError) {
    pending += line
    pending.append(UInt8(ascii: "\n"))
    if pending.count >= Self.frameSize { try flush() }
  }

  /// Writes what is left and gives the file its name, in place of whatever has it.
  package func complete() throws(ModelError) {
    if !pending.isEmpty { try flush() }
    try file.complete()
  }

  private func flush() throws(ModelError) {
    let frame = try pending.withUnsafeBufferPointer { (bytes) throws(ModelError) in
      try self.encoder.encode(UnsafeRawBufferPointer(bytes))
    }
    try file.append(frame)
    pending.removeAll(keepingCapacity: true)
  }
}
