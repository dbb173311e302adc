import CZstd

/// Why a frame could not be decoded; the caller knows which frame it was.
struct ZstdProblem: Error {
  var problem: String
}

/// Decodes whole frames into memory of known size.
struct ZstdDecoder: ~Copyable {
  /// What `zstd -d` accepts without being asked: a frame that needs more is refused.
  static let largestWindow: UInt64 = 1 << 27

  private let context: OpaquePointer

  init() throws(ZstdProblem) {
    guard let context = ZSTD_createDCtx() else {
      throw ZstdProblem(problem: "no memory for a zstd decoder")
    }
    self.context = context
  }

  deinit { ZSTD_freeDCtx(context) }

  /// Checks that `frame` is exactly one frame, with a content checksum, that says it holds `size`
  /// bytes, and that decoding it takes no more memory than it should.
  static func check(_ frame: UnsafeRawBufferPointer, decodesTo size: Int) throws(ZstdProblem) {
    var header = ZSTD_frameHeader()
    let answer = ZSTD_getFrameHeader(&header, frame.baseAddress, frame.count)
    guard answer == 0 else {
      throw ZstdProblem(
        problem: ZSTD_isError(answer) != 0
          ? "not a zstd frame: \(message(answer))" : "the zstd frame header is cut off")
    }
    guard header.frameType == ZSTD_frame else {
      throw ZstdProblem(problem: "a skippable frame where data should be")
    }
    guard header.frameContentSize == UInt64(size) else {
      throw ZstdProblem(
        problem: "the frame says it holds \(header.frameContentSize) bytes, expected \(size)")
    }
    guard header.windowSize <= largestWindow else {
      throw ZstdProblem(problem: "the frame wants a window of \(header.windowSize) bytes")
    }
    guard header.dictID == 0 else {
      throw ZstdProblem(problem: "the frame wants dictionary \(header.dictID)")
    }
    guard header.checksumFlag != 0 else {
      throw ZstdProblem(problem: "the frame has no checksum")
    }
    let length = ZSTD_findFrameCompressedSize(frame.baseAddress, frame.count)
    guard ZSTD_isError(length) == 0 else {
      throw ZstdProblem(problem: "the frame is damaged: \(message(length))")
    }
    guard length == frame.count else {
      throw ZstdProblem(problem: "the frame has \(length) bytes, expected \(frame.count)")
    }
  }

  /// Decodes `frame` into `target`, which it must fill exactly, after checking it.
  func decode(
    _ frame: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) throws(ZstdProblem) {
    try Self.check(frame, decodesTo: target.count)
    let written = ZSTD_decompressDCtx(
      context, target.baseAddress, target.count, frame.baseAddress, frame.count)
    guard ZSTD_isError(written) == 0 else {
      throw ZstdProblem(problem: "the frame is damaged: \(Self.message(written))")
    }
    guard written == target.count else {
      throw ZstdProblem(problem: "the frame gave \(written) bytes, expected \(target.count)")
    }
  }

  fileprivate static func message(_ code: Int) -> String {
    String(cString: ZSTD_getErrorName(code))
  }
}

/// Makes frames, each with its content size and checksum.
struct ZstdEncoder: ~Copyable {
  private let context: OpaquePointer

  init() throws(ZstdProblem) {
    guard let context = ZSTD_createCCtx() else {
      throw ZstdProblem(problem: "no memory for a zstd encoder")
    }
    self.context = context
  }

  deinit { ZSTD_freeCCtx(context) }

  /// One way to compress.
  private struct Effort {
    /// zstd's level, matches and all.
    var level: CInt
    /// Look for (nearly) no matches and spend nothing but Huffman codes: weights do not repeat, and
    /// literals alone decode fastest.
    var entropyOnly = false
  }

  /// The bytes that are tried first, a block of zstd's.
  private static let probeBytes = 1 << 17

  /// Compresses `source` with entropy codes alone and, where the beginning promises a gain, at
  /// `level` too, and gives the smaller frame.
  ///
  /// What a level saves on noise is not worth its decoding time: below a 64th, entropy coding's
  /// frame is kept, which holds such bytes as they are.
  func encode(_ source: UnsafeRawBufferPointer, level: Int) throws(ZstdProblem) -> [UInt8] {
    let entropy = Effort(level: 1, entropyOnly: true)
    let full = Effort(level: CInt(level))
    let plain = try encode(source, entropy)
    if source.count > Self.probeBytes {
      let probe = UnsafeRawBufferPointer(rebasing: source[..<Self.probeBytes])
      guard try encode(probe, full).count < encode(probe, entropy).count else { return plain }
    }
    let packed = try encode(source, full)
    let worthwhile = packed.count < source.count - source.count / 64
    return worthwhile && packed.count < plain.count ? packed : plain
  }

  private func encode(
    _ source: UnsafeRawBufferPointer, _ effort: Effort
  ) throws(ZstdProblem) -> [UInt8] {
    ZSTD_CCtx_reset(context, ZSTD_reset_session_and_parameters)
    try set(ZSTD_c_checksumFlag, 1)
    try set(ZSTD_c_compressionLevel, effort.level)
    if effort.entropyOnly {
      try set(ZSTD_c_strategy, CInt(ZSTD_fast.rawValue))
      try set(ZSTD_c_minMatch, 7)
      try set(ZSTD_c_targetLength, CInt(ZSTD_TARGETLENGTH_MAX))
      try set(ZSTD_c_hashLog, CInt(ZSTD_HASHLOG_MIN))
      // ZSTD_c_literalCompressionMode: the fast strategy would else store the literals as they are.
      try set(ZSTD_c_experimentalParam5, CInt(ZSTD_ps_enable.rawValue))
    }
    let bound = ZSTD_compressBound(source.count)
    var failure = 0
    let frame = [UInt8](unsafeUninitializedCapacity: bound) { buffer, count in
      let written = ZSTD_compress2(
        context, buffer.baseAddress, buffer.count, source.baseAddress, source.count)
      failure = ZSTD_isError(written) != 0 ? written : 0
      count = failure == 0 ? written : 0
    }
    guard failure == 0 else {
      throw ZstdProblem(problem: "zstd could not compress: \(ZstdDecoder.message(failure))")
    }
    return frame
  }

  private func set(_ parameter: ZSTD_cParameter, _ value: CInt) throws(ZstdProblem) {
    let answer = ZSTD_CCtx_setParameter(context, parameter, value)
    guard ZSTD_isError(answer) == 0 else {
      throw ZstdProblem(problem: "zstd refuses a setting: \(ZstdDecoder.message(answer))")
    }
  }
}
