import Workload

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A file's bytes, a piece at a time, decompressed where it begins as zstd or gzip; `-` is stdin.
final class FileBytes: Workload.ByteSource {
  private static let pieceSize = 1 << 18
  private static var decompressors: [any Decompressor.Type] {
    [ZstdDecompressor.self, GzipDecompressor.self]
  }

  /// As errors name it.
  private let name: String
  private let descriptor: Int32
  private var decompressor: (any Decompressor)?
  private var compressed: [UInt8] = []
  /// In `compressed`, which begins at byte `offset` of the file.
  private var position = 0
  private var offset = 0
  private var isFirst = true
  /// The last piece took all of its room, and there may be more without another byte of the file.
  private var isFull = false
  private var mayEnd = false

  init(path: String) throws(WorkloadError) {
    name = path == "-" ? "stdin" : path
    descriptor = path == "-" ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      let reason = errno
      throw WorkloadError(
        reason == ENOENT || reason == ENOTDIR ? .missing : .inputOutput, source: path,
        problem: "cannot be opened: \(String(cString: strerror(reason)))")
    }
  }

  deinit { close(descriptor) }

  func nextChunk() throws(WorkloadError) -> [UInt8]? {
    if isFirst {
      isFirst = false
      compressed = try read()
      if let kind = Self.decompressors.first(where: { compressed.starts(with: $0.magic) }) {
        decompressor = kind.init()
        if decompressor == nil { throw failure("no memory to decompress \(kind.format)") }
      } else {
        defer { compressed = [] }
        return compressed.isEmpty ? nil : compressed
      }
    }
    guard let decompressor else {
      let bytes = try read()
      return bytes.isEmpty ? nil : bytes
    }
    return try decompress(decompressor)
  }

  private func decompress(_ decompressor: any Decompressor) throws(WorkloadError) -> [UInt8]? {
    let format = type(of: decompressor).format
    while true {
      if position == compressed.count && !isFull {
        offset += position
        position = 0
        compressed = try read()
        if compressed.isEmpty {
          if mayEnd { return nil }
          throw failure("the \(format) data is cut off at byte \(offset)", .malformed)
        }
      }
      var step = DecompressionStep()
      let piece = compressed.withUnsafeBufferPointer { input in
        [UInt8](unsafeUninitializedCapacity: Self.pieceSize) { output, count in
          step = decompressor.step(UnsafeBufferPointer(rebasing: input[position...]), output)
          count = step.written
        }
      }
      position += step.read
      isFull = piece.count == Self.pieceSize
      mayEnd = step.isAtEnd
      if let damage = step.damage {
        let place = offset + position
        throw failure("the \(format) data is damaged at byte \(place): \(damage)", .malformed)
      }
      if !piece.isEmpty { return piece }
    }
  }

  private func read() throws(WorkloadError) -> [UInt8] {
    while true {
      var result = 0
      let bytes = [UInt8](unsafeUninitializedCapacity: Self.pieceSize) { buffer, count in
        #if canImport(Glibc)
          result = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
        #else
          result = Darwin.read(descriptor, buffer.baseAddress, buffer.count)
        #endif
        count = max(0, result)
      }
      if result >= 0 { return bytes }
      if errno == EINTR { continue }
      throw failure("cannot be read: \(String(cString: strerror(errno)))")
    }
  }

  private func failure(
    _ problem: String, _ code: WorkloadError.Code = .inputOutput
  ) -> WorkloadError {
    WorkloadError(code, source: name, problem: problem)
  }
}
