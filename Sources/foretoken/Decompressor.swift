import CZlib
import CZstd

/// What turns a compressed file into bytes, a piece at a time.
protocol Decompressor: AnyObject {
  /// As errors name it.
  static var format: String { get }
  /// What such a file begins with.
  static var magic: [UInt8] { get }

  /// Nothing where there is no memory for it.
  init?()

  /// Reads from `input`, which is empty only when the output was full before, and writes to `output`,
  /// which has room.
  func step(
    _ input: UnsafeBufferPointer<UInt8>, _ output: UnsafeMutableBufferPointer<UInt8>
  ) -> DecompressionStep
}

struct DecompressionStep {
  var read = 0
  var written = 0
  /// A frame or a member is complete, and its bytes are written: the file may end here.
  var isAtEnd = false
  /// Why the input is not what it should be.
  var damage: String?
}

/// Zstd frames, one after another (RFC 8878).
final class ZstdDecompressor: Decompressor {
  static let format = "zstd"
  static let magic: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD]
  /// What `zstd -d` accepts without being asked: 128 MiB.
  private static let largestWindowLog: Int32 = 27

  private let stream: OpaquePointer

  init?() {
    guard let stream = ZSTD_createDStream() else { return nil }
    self.stream = stream
    _ = ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, Self.largestWindowLog)
  }

  deinit { ZSTD_freeDStream(stream) }

  func step(
    _ input: UnsafeBufferPointer<UInt8>, _ output: UnsafeMutableBufferPointer<UInt8>
  ) -> DecompressionStep {
    var from = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
    var to = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
    let answer = ZSTD_decompressStream(stream, &to, &from)
    return DecompressionStep(
      read: from.pos, written: to.pos, isAtEnd: answer == 0,
      damage: ZSTD_isError(answer) == 0 ? nil : String(cString: ZSTD_getErrorName(answer)))
  }
}

/// Gzip members, one after another (RFC 1952), and zeros after one, with which tapes are padded.
final class GzipDecompressor: Decompressor {
  static let format = "gzip"
  static let magic: [UInt8] = [0x1F, 0x8B]
  /// The largest window of deflate, and 16 for gzip's header and check sum.
  private static let windowBits: Int32 = 15 + 16

  /// Not a stored value: zlib's state points back at it.
  private let stream: UnsafeMutablePointer<z_stream>
  private var isBetweenMembers = false

  init?() {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    let size = Int32(MemoryLayout<z_stream>.size)
    guard inflateInit2_(stream, Self.windowBits, ZLIB_VERSION, size) == Z_OK else { return nil }
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  func step(
    _ input: UnsafeBufferPointer<UInt8>, _ output: UnsafeMutableBufferPointer<UInt8>
  ) -> DecompressionStep {
    if isBetweenMembers {
      guard !input.isEmpty else { return DecompressionStep(isAtEnd: true) }
      let padding = input.prefix { $0 == 0 }.count
      guard padding == 0 else { return DecompressionStep(read: padding, isAtEnd: true) }
      inflateReset(stream)
    }
    stream.pointee.next_in = input.baseAddress
    stream.pointee.avail_in = UInt32(input.count)
    stream.pointee.next_out = output.baseAddress
    stream.pointee.avail_out = UInt32(output.count)
    let answer = inflate(stream, Z_NO_FLUSH)
    isBetweenMembers = answer == Z_STREAM_END
    var step = DecompressionStep(
      read: input.count - Int(stream.pointee.avail_in),
      written: output.count - Int(stream.pointee.avail_out), isAtEnd: isBetweenMembers)
    if answer != Z_OK && answer != Z_STREAM_END && answer != Z_BUF_ERROR {
      step.damage = String(cString: stream.pointee.msg ?? zError(answer))
    }
    return step
  }
}
