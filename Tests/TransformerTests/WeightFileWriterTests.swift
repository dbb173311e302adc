import FoundationEssentials
import Support
import Testing

@testable import Transformer

@Suite struct WeightFileWriterTests {
  @Test func `A write that fails leaves what was there and nothing else`() throws {
    let folder = try TemporaryFolder()
    try folder.write([1, 2, 3], as: "out")
    let info = try #require(TensorInfo(name: "t", dtype: .bf16, shape: [64, 64]))
    let source = TensorSource(info) { (_, _) throws(ModelError) in
      throw ModelError(.inputOutput, path: "source", problem: "is a test")
    }
    let writer = try WeightFileWriter([source])
    for threads in [1, 3] {
      #expect(throws: ModelError.self) {
        try writer.writePacked(to: folder.file("out"), threads: threads)
      }
      #expect(throws: ModelError.self) {
        try writer.writePlain(to: folder.file("out"), threads: threads)
      }
    }
    #expect(try folder.read("out") == [1, 2, 3])
    #expect(try folder.names == ["out"])
  }

  @Test func `A file can be written over itself`() throws {
    let folder = try TemporaryFolder()
    let tensors = [try TestTensor("w", .bf16, [200, 64])]
    let paths = try folder.write(tensors)
    try WeightFileWriter(copying: WeightFile(path: paths.plain))
      .writePacked(to: paths.plain, threads: 2)
    let file = try WeightFile(path: paths.plain)
    #expect(file.isPacked)
    #expect(try file.contents(threads: 2) == tensors)
  }

  @Test func `A folder that is not there is missing`() throws {
    let folder = try TemporaryFolder()
    let error = #expect(throws: ModelError.self) {
      try WeightFileWriter([]).writePlain(to: folder.file("no/file"), threads: 1)
    }
    #expect(error?.code == .missing)
  }

  @Test func `Names that are taken are refused`() throws {
    let tensor = try TestTensor("w", .u8, [4])
    #expect(throws: ModelError.self) {
      try WeightFileWriter([try tensor.source, try tensor.source])
    }
    #expect(throws: ModelError.self) {
      try WeightFileWriter([try TestTensor("__metadata__", .u8, [4]).source])
    }
    for key in ["foretoken.planes", "foretoken.header"] {
      #expect(throws: ModelError.self) { try WeightFileWriter([], metadata: [key: "{}"]) }
    }
    #expect(throws: ModelError.self) { try TensorSource(tensor.info, bytes: [1]) }
  }

  @Test func `A tensor whose rows do not fit a frame is refused by name`() throws {
    let info = try #require(TensorInfo(name: "wide", dtype: .i64, shape: [1, 1 << 25]))
    let folder = try TemporaryFolder()
    let error = #expect(throws: ModelError.self) {
      try WeightFileWriter([TensorSource(info) { _, _ in }])
        .writePacked(to: folder.file("out"), threads: 1)
    }
    #expect(error?.code == .unsupported)
    #expect(error?.place == "tensor wide")
    #expect(try folder.names.isEmpty)
  }

  // MARK: Conversion

  @Test("Converted floats round to nearest even, other types stay", arguments: [1, 2])
  func conversion(threads: Int) throws {
    let folder = try TemporaryFolder()
    let floats = try TestTensor("w", .f32, [200, 33])
    let other = try TestTensor("n", .i32, [9], .pattern)
    let paths = try folder.write([floats, other])
    for path in [paths.packed, paths.plain] {
      try WeightFileWriter(copying: WeightFile(path: path), as: .f16)
        .writePacked(to: folder.file("half"), threads: threads)
      let half = try WeightFile(path: folder.file("half")).contents(threads: threads)
      let expected = stride(from: 0, to: floats.bytes.count, by: 4).flatMap { index in
        little(Float16(Float(bitPattern: word(floats.bytes[index..<index + 4]))).bitPattern)
      }
      #expect(half[0].info.dtype == .f16 && half[0].bytes == expected)
      #expect(half[1] == other)

      // Halves are floats: nothing is lost on the way back.
      try WeightFileWriter(copying: WeightFile(path: folder.file("half")), as: .f32)
        .writePlain(to: folder.file("float"), threads: threads)
      try WeightFileWriter(copying: WeightFile(path: folder.file("float")), as: .f16)
        .writePlain(to: folder.file("again"), threads: threads)
      #expect(try WeightFile(path: folder.file("again")).contents(threads: 1) == half)
    }
  }

  @Test func `A value too large for f16 is named`() throws {
    let folder = try TemporaryFolder()
    var tensor = try TestTensor("w", .bf16, [40, 3], .zeros)
    tensor.bytes.replaceSubrange(2 * 100..<2 * 101, with: little(UInt16(0x4780)))  // 65536
    let paths = try folder.write([tensor])
    let error = #expect(throws: ModelError.self) {
      try WeightFileWriter(copying: WeightFile(path: paths.packed), as: .f16)
        .writePacked(to: folder.file("half"), threads: 2)
    }
    #expect(error?.code == .unsupported && error?.place == "tensor w, element 100")
    // An infinity is one in any type.
    tensor.bytes.replaceSubrange(2 * 100..<2 * 101, with: little(UInt16(0x7F80)))
    let infinite = try folder.write([tensor])
    try WeightFileWriter(copying: WeightFile(path: infinite.packed), as: .f16)
      .writePacked(to: folder.file("half"), threads: 2)
    let half = try WeightFile(path: folder.file("half")).contents(threads: 1)
    #expect(Array(half[0].bytes[200..<202]) == little(Float16.infinity.bitPattern))
  }

  @Test func `The quantisation error is that of the packed values`() throws {
    let folder = try TemporaryFolder()
    let paths = try folder.write([
      try TestTensor("w", .f32, [100, 130]), try TestTensor("norm", .f32, [130]),
      try TestTensor("same", .bf16, [33, 7]),
    ])
    for path in [paths.packed, paths.plain] {
      let file = try WeightFile(path: path)
      // Rounding is off by up to half a unit of the last of 8 or 11 bits.
      let bf16 = try #require(try file.quantizationError(at: 0, as: .bf16))
      #expect(0.0010 < bf16.relative && bf16.relative < 0.0030)
      let f16 = try #require(try file.quantizationError(at: 0, as: .f16))
      #expect(bf16.relative / 9 < f16.relative && f16.relative < bf16.relative / 7)
      // A step is max / 127; uniform rounding is off by its 12th part's root.
      let q8 = try #require(try file.quantizationError(at: 0, as: .q8))
      #expect(0.003 < q8.relative && q8.relative < 0.009)
      #expect(q8.largest <= 0.07 / 127 / 2 * 1.001)
      // Steps of an eighth.
      let q4 = try #require(try file.quantizationError(at: 0, as: .q4))
      #expect(10 * q8.relative < q4.relative && q4.relative < 20 * q8.relative)
      #expect(try file.quantizationError(at: 0, as: .f32)?.relative == 0)
      #expect(try file.quantizationError(at: 1, as: .q8) == nil, "vectors are kept in f32")
      #expect(try file.quantizationError(at: 2, as: .bf16)?.largest == 0)
    }
  }

  private func word(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }
  }
}
