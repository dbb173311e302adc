import CZlib
import Support
import Testing
import Workload

@testable import foretoken

/// Compressed files, read as if they were plain.
@Suite struct FileBytesTests {
  private let folder: TemporaryFolder
  /// Rows that do not compress to a single piece of input or of output.
  private let plain: [UInt8]

  init() throws {
    folder = try TemporaryFolder()
    var (state, text) = (UInt64(7), "arrival_s,input_tokens,output_tokens\n")
    for row in 0..<60_000 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      text += "\(row),\(1 + state >> 40),\(1 + (state >> 20) & 0xFFFFF)\n"
    }
    plain = Array(text.utf8)
  }

  private func gzip(_ bytes: [UInt8]) throws -> [UInt8] {
    var stream = z_stream()
    let size = Int32(MemoryLayout<z_stream>.size)
    try #require(
      deflateInit2_(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size)
        == Z_OK)
    defer { deflateEnd(&stream) }
    let capacity = Int(deflateBound(&stream, UInt(bytes.count)))
    var answer = Z_OK
    let packed = bytes.withUnsafeBufferPointer { input in
      [UInt8](unsafeUninitializedCapacity: capacity) { output, count in
        stream.next_in = input.baseAddress
        stream.avail_in = UInt32(input.count)
        stream.next_out = output.baseAddress
        stream.avail_out = UInt32(output.count)
        answer = deflate(&stream, Z_FINISH)
        count = output.count - Int(stream.avail_out)
      }
    }
    try #require(answer == Z_STREAM_END)
    return packed
  }

  private func read(_ content: [UInt8]) throws -> [UInt8] {
    try folder.write("rows.csv.gz", content)
    let source = try FileBytes(path: "\(folder.path)/rows.csv.gz")
    var bytes: [UInt8] = []
    while let chunk = try source.nextChunk() { bytes += chunk }
    return bytes
  }

  @Test func `Gzip gives the plain bytes, of one member, of several, and before zeros`() throws {
    let packed = try gzip(plain)
    #expect(packed.count > 1 << 18)
    #expect(try read(packed) == plain)
    #expect(try read(packed + gzip([]) + gzip(Array("end\n".utf8))) == plain + Array("end\n".utf8))
    #expect(try read(packed + [UInt8](repeating: 0, count: 1 << 19)) == plain)
  }

  @Test func `A trace in gzip replays as the plain one`() throws {
    let rows = (0..<40).map { "\(Double($0 / 2) * 0.01),\(3 + $0 * 7 % 50),\(1 + $0 * 11 % 30)" }
    let lines = ["arrival_s,input_tokens,output_tokens"] + rows
    let trace = Array(lines.joined(separator: "\n").utf8)
    try folder.write("trace.csv", trace)
    try folder.write("trace.csv.gz", gzip(trace))
    let outcomes = try ["trace.csv", "trace.csv.gz"].map { name in
      try CommandLineTool.run(
        ["replay", "\(folder.path)/\(name)", "--policy", "sjf", "--predictor", "oracle", "--json"])
    }
    #expect(outcomes[0].status == 0 && outcomes[1].status == 0, "\(outcomes[1].errors)")
    #expect(outcomes[0].text.contains("\"finished\":40"))
    #expect(outcomes[1].text.contains("\"finished\":40"))
  }

  @Test func `Gzip that is cut off, damaged or followed by something else is refused`() throws {
    let packed = try gzip(plain)
    var wrong = packed
    wrong[packed.count - 8] ^= 1
    for (content, problem) in [
      (Array(packed.prefix(2)), "is cut off at byte 2"),
      (Array(packed.dropLast()), "is cut off at byte \(packed.count - 1)"),
      (wrong, "is damaged at byte \(packed.count - 4): incorrect data check"),
      (packed + Array("rest".utf8), "is damaged at byte \(packed.count + 2): incorrect header"),
      (packed + [0, 0x1F], "is cut off at byte \(packed.count + 2)"),
    ] {
      let error = try #require(throws: WorkloadError.self) { try read(content) }
      #expect(error.problem.contains("the gzip data \(problem)"), "\(error)")
      #expect(error.source.hasSuffix("rows.csv.gz"))
    }
  }
}
