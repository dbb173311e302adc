import CZstd
import Workload

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The bytes of a trace: a file or stdin, as it is or compressed with zstd.
final class TraceFile: Workload.ByteSource {
  /// What `zstd -d` accepts without being asked.
  private static let largestWindowLog = 27
  private static let chunk = 1 << 18

  private let path: String
  private let descriptor: CInt
  private var decoder: OpaquePointer?
  /// Compressed bytes that are still to be decoded.
  private var pending: [UInt8] = []
  private var position = 0
  private var isFrameOpen = false

  /// - Parameter path: a file, or `-` for stdin.
  init(path: String) throws(WorkloadError) {
    self.path = path == "-" ? "stdin" : path
    descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      let reason = errno
      throw WorkloadError(
        reason == ENOENT || reason == ENOTDIR ? .missing : .inputOutput, source: path,
        problem: "cannot be opened: \(String(cString: strerror(reason)))")
    }
    pending = try readSome()
    if pending.starts(with: [0x1F, 0x8B]) {
      throw WorkloadError(
        .unknownFormat, source: self.path, problem: "is compressed with gzip",
        advice: "gzip -dc FILE | foretoken ... -")
    }
    if pending.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) {
      decoder = ZSTD_createDStream()
      ZSTD_DCtx_setParameter(decoder, ZSTD_d_windowLogMax, CInt(Self.largestWindowLog))
    }
  }

  deinit {
    ZSTD_freeDStream(decoder)
    if descriptor != STDIN_FILENO, descriptor >= 0 { close(descriptor) }
  }

  func nextChunk() throws(WorkloadError) -> [UInt8]? {
    guard let decoder else {
      let chunk = pending.isEmpty ? try readSome() : pending
      pending = []
      return chunk.isEmpty ? nil : chunk
    }
    while true {
      if position == pending.count {
        pending = try readSome()
        position = 0
        if pending.isEmpty {
          guard !isFrameOpen else {
            throw WorkloadError(
              .malformed, source: path, problem: "the zstd data is cut off",
              advice: "fetch the file again")
          }
          return nil
        }
      }
      let decoded = try decode(with: decoder)
      if !decoded.isEmpty { return decoded }
    }
  }

  private func decode(with decoder: OpaquePointer) throws(WorkloadError) -> [UInt8] {
    var output = ZSTD_outBuffer(dst: nil, size: Self.chunk, pos: 0)
    var input = ZSTD_inBuffer(src: nil, size: pending.count, pos: position)
    var answer = 0
    let decoded = [UInt8](unsafeUninitializedCapacity: Self.chunk) { target, count in
      pending.withUnsafeBytes { source in
        output.dst = UnsafeMutableRawPointer(target.baseAddress)
        input.src = source.baseAddress
        answer = ZSTD_decompressStream(decoder, &output, &input)
      }
      count = ZSTD_isError(answer) == 0 ? output.pos : 0
    }
    guard ZSTD_isError(answer) == 0 else {
      throw WorkloadError(
        .malformed, source: path,
        problem: "the zstd data is damaged: \(String(cString: ZSTD_getErrorName(answer)))")
    }
    position = input.pos
    isFrameOpen = answer != 0
    return decoded
  }

  private func readSome() throws(WorkloadError) -> [UInt8] {
    var failure: CInt = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: Self.chunk) { target, count in
      var got = read(descriptor, target.baseAddress, Self.chunk)
      while got < 0, errno == EINTR { got = read(descriptor, target.baseAddress, Self.chunk) }
      if got < 0 { failure = errno }
      count = max(0, got)
    }
    if failure != 0 {
      throw WorkloadError(
        .inputOutput, source: path,
        problem: "cannot be read: \(String(cString: strerror(failure)))")
    }
    return bytes
  }
}
