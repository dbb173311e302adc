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

  /// Decodes `frame`, which must be exactly one frame with a content checksum, into `target`, which
  /// it must fill exactly.
  func decode(
    _ frame: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) throws(ZstdProblem) {
    var header = ZSTD_frameHeader()
    let answer = ZSTD_getFrameHeader(&header, frame.baseAddress, frame.count)
    guard answer == 0 else {
      throw ZstdProblem(
        problem: ZSTD_isError(answer) != 0
          ? "not a zstd frame: \(Self.message(answer))" : "the zstd frame header is cut off")
    }
    guard header.frameType == ZSTD_frame else {
      throw ZstdProblem(problem: "a skippable frame where data should be")
    }
    guard header.frameContentSize == UInt64(target.count) else {
      throw ZstdProblem(
        problem: "the frame says it holds \(header.frameContentSize) bytes, expected"
          + " \(target.count)")
    }
    guard header.windowSize <= Self.largestWindow else {
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
      throw ZstdProblem(problem: "the frame is damaged: \(Self.message(length))")
    }
    guard length == frame.count else {
      throw ZstdProblem(problem: "the frame has \(length) bytes, expected \(frame.count)")
    }
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
  struct Effort: Sendable, Equatable {
    /// 1...19: zstd's levels, matches and all.
    var level: CInt
    /// Look for (nearly) no matches and spend nothing but Huffman codes: weights do not repeat, and
    /// literals alone decode fastest.
    var entropyOnly = false
  }

  /// Compresses `source` in each of the ways and gives the smallest frame, the earlier when equal.
  func encode(
    _ source: UnsafeRawBufferPointer, efforts: [Effort]
  ) throws(ZstdProblem) -> [UInt8] {
    var best: [UInt8]?
    for effort in efforts {
      let frame = try encode(source, effort)
      if frame.count < best?.count ?? .max { best = frame }
    }
    guard let best else { throw ZstdProblem(problem: "no way to compress was given") }
    return best
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
