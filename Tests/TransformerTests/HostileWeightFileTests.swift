import CZstd
import Support
import Testing

@testable import Transformer

/// Files that somebody made to do harm: each is refused with the place that is wrong, and without
/// taking memory on its word.
@Suite struct HostileWeightFileTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var json: String
    /// Bytes of data after the header.
    var data = 64
    /// What the error must say: where, and what.
    var words: [String]
    var code = ModelError.Code.malformed

    var testDescription: String { name }
  }

  static func tensor(
    _ name: String, _ dtype: String = "U8", _ shape: String = "[64]", _ offsets: String = "[0,64]"
  ) -> String {
    #""\#(name)":{"dtype":"\#(dtype)","shape":\#(shape),"data_offsets":\#(offsets)}"#
  }

  static let cases: [Case] = [
    Case(
      name: "overlap",
      json: "{\(tensor("a", "U8", "[40]", "[0,40]")),\(tensor("b", "U8", "[32]", "[32,64]"))}",
      words: ["tensor b", "32", "40", "overlaps"]),
    Case(
      name: "gap",
      json: "{\(tensor("a", "U8", "[30]", "[0,30]")),\(tensor("b", "U8", "[32]", "[32,64]"))}",
      words: ["tensor b", "gap"]),
    Case(
      name: "same bytes twice", json: "{\(tensor("a")),\(tensor("b"))}",
      words: ["tensor b", "overlaps"]),
    Case(
      name: "late start", json: "{\(tensor("a", "U8", "[60]", "[4,64]"))}",
      words: ["tensor a", "gap"]),
    Case(name: "too much data", json: "{\(tensor("a"))}", data: 65, words: ["header", "64", "65"]),
    Case(
      name: "too little data", json: "{\(tensor("a"))}", data: 63,
      words: ["header", "64", "63", "cut off"]),
    Case(
      name: "wrong product", json: "{\(tensor("a", "BF16", "[5,7]"))}",
      words: ["header, byte", #""a""#, "70"]),
    Case(
      name: "overflowing product",
      json: "{\(tensor("a", "F64", "[4294967296,4294967296,4294967296]"))}",
      words: [#""a""#, "too large"]),
    Case(
      name: "overflowing bytes", json: "{\(tensor("a", "F64", "[2305843009213693952]"))}",
      words: [#""a""#, "too large"]),
    Case(
      name: "a number beyond 63 bits", json: "{\(tensor("a", "U8", "[18446744073709551616]"))}",
      words: ["header, byte", "63 bits"]),
    Case(
      name: "a negative dimension", json: "{\(tensor("a", "U8", "[-64]"))}",
      words: ["header, byte", "whole number"]),
    Case(
      name: "a fraction", json: "{\(tensor("a", "U8", "[64.0]"))}", words: ["header, byte", "']'"]),
    Case(
      name: "offsets backwards", json: "{\(tensor("a", "U8", "[64]", "[64,0]"))}",
      words: [#""a""#, "[64, 0]"]),
    Case(
      name: "three offsets", json: "{\(tensor("a", "U8", "[64]", "[0,64,64]"))}",
      words: ["header, byte", "more than 2"]),
    Case(
      name: "one offset", json: "{\(tensor("a", "U8", "[64]", "[0]"))}", words: [#""a""#, "two"]),
    Case(
      name: "seventeen dimensions",
      json:
        "{\(tensor("a", "U8", "[\(Array(repeating: "1", count: 17).joined(separator: ","))]"))}",
      words: ["header, byte", "more than 16"]),
    Case(
      name: "an unknown type", json: "{\(tensor("a", "Q4_K"))}", words: [#""a""#, "Q4_K", "BF16"],
      code: .unsupported),
    Case(
      name: "a tensor twice", json: "{\(tensor("a")),\(tensor("a"))}", words: [#""a""#, "twice"]),
    Case(
      name: "the same name escaped", json: "{\(tensor("a")),\(tensor(#"\u0061"#))}",
      words: [#""a""#, "twice"]),
    Case(
      name: "a key twice",
      json: #"{"a":{"dtype":"U8","dtype":"U8","shape":[64],"data_offsets":[0,64]}}"#,
      words: [#""a""#, #""dtype""#, "twice"]),
    Case(
      name: "an unknown key",
      json: #"{"a":{"dtype":"U8","more":1,"shape":[64],"data_offsets":[0,64]}}"#,
      words: [#""a""#, #""more""#, "unknown"]),
    Case(
      name: "no shape", json: #"{"a":{"dtype":"U8","data_offsets":[0,64]}}"#,
      words: [#""a""#, "shape"]),
    Case(
      name: "metadata twice", json: #"{"__metadata__":{},"__metadata__":{},\#(tensor("a"))}"#,
      words: ["__metadata__", "twice"]),
    Case(
      name: "a metadata key twice", json: #"{"__metadata__":{"k":"1","k":"2"},\#(tensor("a"))}"#,
      words: [#""k""#, "twice"]),
    Case(
      name: "metadata that is no string", json: #"{"__metadata__":{"k":1},\#(tensor("a"))}"#,
      words: ["header, byte 21"]),
    Case(
      name: "deep arrays", json: String(repeating: "[", count: 100_000),
      words: ["header, byte 0", "'{'"]),
    Case(
      name: "deep objects", json: String(repeating: #"{"a":"#, count: 100_000),
      words: ["header, byte"]),
    Case(
      name: "a string without end", json: #"{"a"#, words: ["header, byte 2", "without end"]),
    Case(name: "nothing", json: "", words: ["header", "'{'"]),
    Case(
      name: "something after the end", json: "{\(tensor("a"))}{}",
      words: ["header, byte 55", "follows"]),
    Case(
      name: "half a surrogate pair", json: "{\(tensor(#"\ud800"#))}", words: ["surrogate"]),
    Case(
      name: "planes of a tensor that is not there",
      json: #"{"__metadata__":{"foretoken.planes":"{\"b\":\"BF16\"}"},\#(tensor("a"))}"#,
      words: ["metadata foretoken.planes", #""b""#]),
    Case(
      name: "planes of a type without",
      json: #"{"__metadata__":{"foretoken.planes":"{\"a\":\"I64\"}"},"#
        + "\(tensor("a", "U8", "[2,32]"))}",
      words: ["tensor a", "I64"]),
    Case(
      name: "too many planes",
      json: #"{"__metadata__":{"foretoken.planes":"{\"a\":\"BF16\"}"},"#
        + "\(tensor("a", "U8", "[4,16]"))}",
      words: ["tensor a", "[4, 16]", "BF16"]),
    Case(
      name: "planes that are no bytes",
      json: #"{"__metadata__":{"foretoken.planes":"{\"a\":\"BF16\"}"},"#
        + "\(tensor("a", "F32", "[2,8]"))}",
      words: ["tensor a", "F32", "BF16"]),
    Case(
      name: "planes of a scalar",
      json: #"{"__metadata__":{"foretoken.planes":"{\"a\":\"BF16\"}"},"#
        + "\(tensor("a", "U8", "[]", "[0,1]"))}", data: 1,
      words: ["tensor a", "BF16"]),
    Case(
      name: "planes that are no JSON",
      json: #"{"__metadata__":{"foretoken.planes":"[[[[[["},\#(tensor("a"))}"#,
      words: ["metadata foretoken.planes, byte 0"]),
    Case(
      name: "a kept header of other tensors",
      json: #"{"__metadata__":{"foretoken.header":"{\"b\":{\"dtype\":\"U8\",\"shape\":[64],"#
        + #"\"data_offsets\":[0,64]}}"},\#(tensor("a"))}"#,
      words: ["metadata foretoken.header", "other tensors"]),
    Case(
      name: "a kept header of fewer bytes",
      json: #"{"__metadata__":{"foretoken.header":"{}"},\#(tensor("a"))}"#,
      words: ["metadata foretoken.header"]),
  ]

  /// The error of opening a file of these bytes, and the most memory that was taken.
  private func failure(_ bytes: [UInt8], _ name: String) throws -> (ModelError, peak: Int) {
    let folder = try TemporaryFolder()
    let path = try folder.write(bytes, as: name)
    let budget = MemoryBudget()
    let error = try #require(throws: ModelError.self) {
      try WeightFile(path: path, budget: budget).verify(threads: 1)
    }
    #expect(error.path == path)
    return (error, budget.peak)
  }

  private func plain(_ json: String, data: Int) -> [UInt8] {
    little(UInt64(json.utf8.count)) + Array(json.utf8) + [UInt8](repeating: 0, count: data)
  }

  @Test("A header that lies is refused where it lies", arguments: cases)
  func header(_ hostile: Case) throws {
    let plain = plain(hostile.json, data: hostile.data)
    let (error, peak) = try failure(plain, "plain.safetensors")
    #expect(error.code == hostile.code)
    for word in hostile.words { #expect(error.description.contains(word), "\(error)") }
    #expect(peak <= plain.count)

    let frames = PackedParts(
      header: Array(plain[..<(plain.count - hostile.data)]),
      frames: [[UInt8](repeating: 0, count: hostile.data)])
    let (packedError, packedPeak) = try failure(frames.encoded(), "packed.safetensors.zst")
    #expect(packedError.code == hostile.code)
    for word in hostile.words { #expect(packedError.description.contains(word), "\(packedError)") }
    #expect(packedPeak <= 2 * plain.count + 1000)
  }

  @Test(
    "The length of a header is checked before it is believed",
    arguments: [1 << 63, UInt64.max, 100_000_001, 65, 1 << 32])
  func length(_ length: UInt64) throws {
    let bytes = little(length) + [UInt8](repeating: 0x20, count: 64)
    let (error, peak) = try failure(bytes, "t")
    #expect(error.place == "byte 0")
    #expect(error.problem.contains("\(length)"))
    #expect(peak <= 64)
  }

  @Test("Files that are too short", arguments: 0..<8)
  func short(_ count: Int) throws {
    let (error, _) = try failure([UInt8](repeating: 0, count: count), "t")
    #expect(error.place == "byte 0")
    let magic: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0, 0, 0, 0]
    let (packedError, _) = try failure(Array(magic[..<max(4, count)]), "t")
    #expect(packedError.place?.hasPrefix("seek table") == true)
  }

  // MARK: Frames

  static func sound() throws -> PackedParts {
    let json =
      #"{"__metadata__":{"foretoken.planes":"{\"w\":\"BF16\"}"},"#
      + "\(tensor("w", "U8", "[2,48,2]", "[0,192]"))}"
    var parts = PackedParts(header: little(UInt64(json.utf8.count)) + Array(json.utf8), frames: [])
    for rows in [32, 16, 32, 16] {
      parts.frames.append((0..<2 * rows).map { UInt8($0 % 7) })
    }
    return parts
  }

  @Test func `The parts that these tests damage are sound`() throws {
    let folder = try TemporaryFolder()
    let file = try WeightFile(path: folder.write(Self.sound().encoded(), as: "t"))
    try file.verify(threads: 2)
    #expect(file.tensors.map(\.shape) == [[48, 2]])
  }

  @Test(
    "Frames that do not fit the tensors are refused by name",
    arguments: [
      ([24, 24, 24, 24], "tensor w, frame 1, byte", "multiple of 16"),
      ([32, 16, 16, 32], "tensor w, frame 3, byte", "same rows"),
      ([32, 16, 48], "tensor w, frame 3, byte", "same rows"),
      ([48, 32, 16], "tensor w, frame 2, byte", "same rows"),
      ([60, 36], "tensor w, frame 1, byte", "whole rows"),
      ([32, 16, 32], "header", "the tensors have 192 bytes, the file has 160"),
    ])
  func cuts(rows: [Int], place: String, problem: String) throws {
    var parts = try Self.sound()
    parts.frames = rows.map { [UInt8](repeating: 1, count: 2 * $0) }
    let (error, _) = try failure(parts.encoded(), "t")
    #expect(error.place?.hasPrefix(place) == true && error.problem.contains(problem), "\(error)")
  }

  @Test func `A frame that is cut inside a row`() throws {
    var parts = try Self.sound()
    parts.frames[0].removeLast()
    parts.frames[1].append(0)
    let (error, _) = try failure(parts.encoded(), "t")
    #expect(
      error.description.contains("tensor w, frame 1") && error.description.contains("63 bytes"))
  }

  @Test(
    "A frame must have its size and checksum in it, and no dictionary",
    arguments: [
      (ZSTD_c_checksumFlag, 0 as CInt, "no checksum"), (ZSTD_c_contentSizeFlag, 0, "says it holds"),
    ])
  func flags(_ parameter: ZSTD_cParameter, _ value: CInt, _ word: String) throws {
    var parts = try Self.sound()
    parts.parameters = [(parameter, value)]
    let (error, _) = try failure(parts.encoded(), "t")
    #expect(error.description.contains(word), "\(error)")
  }

  @Test func `The table cannot promise more than the frames hold`() throws {
    let parts = try Self.sound()
    for frame in 0..<5 {
      for size in [1, 1 << 20, 1 << 27, UInt32.max] as [UInt32] {
        var bytes = try parts.encoded()
        let entry = bytes.count - SeekTable.footerBytes - 8 * (5 - frame)
        bytes.replaceSubrange(entry + 4..<entry + 8, with: little(size))
        let (error, peak) = try failure(bytes, "t")
        #expect(error.description.contains(frame == 0 ? "frame 0" : "header"), "\(error)")
        #expect(peak < 1000, "\(frame) \(size)")
      }
    }
  }

  @Test func `The table must fill the file`() throws {
    let bytes = try Self.sound().encoded()
    let tableStart = bytes.count - SeekTable.footerBytes - 5 * 8 - 8
    for (place, values) in [
      (bytes.count - 9, [0, 4, 6, UInt32.max]),  // the number of frames
      (tableStart, [0, 0x184D_2A50]), (tableStart + 4, [0, 48, 50, UInt32.max]),
      (tableStart + 8, [0, 1, UInt32.max]),  // a compressed size
      (bytes.count - 5, [0x7C, 0x80]), (bytes.count - 4, [0]),
    ] as [(Int, [UInt32])] {
      for value in values {
        var damaged = bytes
        damaged.replaceSubrange(place..<min(place + 4, bytes.count), with: little(value))
        damaged = Array(damaged.prefix(bytes.count))
        let (error, peak) = try failure(damaged, "t")
        #expect(error.code == .malformed && error.place?.contains("byte") == true, "\(error)")
        #expect(peak < 1000)
      }
    }
  }

  @Test("The first damaged tensor is named, whatever the threads", arguments: [1, 2, 5])
  func firstDamage(threads: Int) throws {
    let folder = try TemporaryFolder()
    let tensors = try (0..<30).map { try TestTensor("t\($0)", .bf16, [64, 32], seed: UInt64($0)) }
    let paths = try folder.write(tensors)
    let file = try WeightFile(path: paths.packed)
    var bytes = try folder.read("t.safetensors.zst")
    let (first, second) = (17, 18)
    let offset = file.stored[first].chunks[0].pieces[1].offset
    for tensor in second..<30 {
      bytes[file.stored[tensor].chunks[0].pieces[0].offset + 20] ^= 0x10
    }
    bytes[offset + file.stored[first].chunks[0].pieces[1].storedBytes - 1] ^= 1
    let damaged = try WeightFile(path: folder.write(bytes, as: "damaged"))
    for _ in 0..<20 {
      let error = #expect(throws: ModelError.self) { try damaged.verify(threads: threads) }
      #expect(error?.place == "tensor t17, byte \(offset)")
      #expect(error?.code == .malformed)
    }
  }

  @Test func `What is no regular file is refused at once`() throws {
    let folder = try TemporaryFolder()
    #expect(
      #expect(throws: ModelError.self) { try WeightFile(path: folder.path) }?.code == .unsupported)
    #expect(
      #expect(throws: ModelError.self) { try WeightFile(path: "/dev/zero") }?.code == .unsupported)
    let missing = #expect(throws: ModelError.self) { try WeightFile(path: folder.file("no")) }
    #expect(missing?.code == .missing)
  }

  @Test func `A budget that is too small is an error, not a crash`() throws {
    let folder = try TemporaryFolder()
    let paths = try folder.write([try TestTensor("w", .bf16, [640, 64])])
    for path in [paths.packed, paths.plain] {
      for limit in [0, 200, 20_000] {
        let error = #expect(throws: ModelError.self) {
          try WeightFile(path: path, budget: MemoryBudget(limit: limit)).verify(threads: 1)
        }
        #expect(error?.code == .outOfMemory)
      }
    }
  }
}

/// A packed file in pieces, to be put together wrongly.
struct PackedParts {
  /// Length and JSON.
  var header: [UInt8]
  /// What each frame after the header's decodes to.
  var frames: [[UInt8]]
  /// Of every frame, instead of what they should be.
  var parameters: [(ZSTD_cParameter, CInt)] = []

  func encoded() throws -> [UInt8] {
    let context = ZSTD_createCCtx()
    defer { ZSTD_freeCCtx(context) }
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
    for (parameter, value) in parameters { ZSTD_CCtx_setParameter(context, parameter, value) }
    var table = SeekTable()
    var file: [UInt8] = []
    for frame in [header] + frames where !frame.isEmpty {
      let bytes = [UInt8](unsafeUninitializedCapacity: frame.count + 1000) { buffer, count in
        let written = ZSTD_compress2(
          context, buffer.baseAddress, buffer.count, frame, frame.count)
        count = ZSTD_isError(written) == 0 ? written : 0
      }
      try #require(!bytes.isEmpty)
      table.append(compressed: bytes.count, decompressed: frame.count)
      file += bytes
    }
    return file + table.encoded()
  }
}
