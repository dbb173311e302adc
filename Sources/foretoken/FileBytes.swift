import CZstd
import Workload

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A file's bytes, a piece at a time, out of zstd frames where it begins with one; `-` is stdin.
final class FileBytes: Workload.ByteSource {
  private static let pieceSize = 1 << 18
  /// What `zstd -d` accepts without being asked: 128 MiB.
  private static let largestWindowLog: Int32 = 27

  /// As errors name it.
  private let name: String
  private let descriptor: Int32
  private var decoder: OpaquePointer?
  private var compressed: [UInt8] = []
  private var position = 0
  private var isFirst = true
  private var isInsideFrame = false

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

  deinit {
    if let decoder { ZSTD_freeDStream(decoder) }
    close(descriptor)
  }

  func nextChunk() throws(WorkloadError) -> [UInt8]? {
    if isFirst {
      isFirst = false
      compressed = try read()
      if compressed.starts(with: [0x1F, 0x8B]) {
        throw WorkloadError(
          .unknownFormat, source: name, problem: "is compressed with gzip",
          advice: "gzip -dc FILE | foretoken ... -")
      }
      if compressed.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) {
        decoder = ZSTD_createDStream()
        guard let decoder else { throw failure("no memory for a zstd decoder") }
        _ = ZSTD_DCtx_setParameter(decoder, ZSTD_d_windowLogMax, Self.largestWindowLog)
      } else {
        defer { compressed = [] }
        return compressed.isEmpty ? nil : compressed
      }
    }
    guard let decoder else {
      let bytes = try read()
      return bytes.isEmpty ? nil : bytes
    }
    return try decompress(decoder)
  }

  private func decompress(_ decoder: OpaquePointer) throws(WorkloadError) -> [UInt8]? {
    while true {
      if position == compressed.count {
        compressed = try read()
        position = 0
        if compressed.isEmpty {
          if isInsideFrame { throw failure("the zstd data is cut off", .malformed) }
          return nil
        }
      }
      var answer = 0
      let piece = compressed.withUnsafeBytes { input in
        [UInt8](unsafeUninitializedCapacity: Self.pieceSize) { output, count in
          var from = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: position)
          var to = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
          answer = ZSTD_decompressStream(decoder, &to, &from)
          position = from.pos
          count = to.pos
        }
      }
      guard ZSTD_isError(answer) == 0 else {
        let reason = String(cString: ZSTD_getErrorName(answer))
        throw failure("the zstd data is damaged: \(reason)", .malformed)
      }
      isInsideFrame = answer != 0
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
