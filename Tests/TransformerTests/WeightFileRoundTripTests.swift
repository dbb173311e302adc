import Support
import Testing

@testable import Transformer

@Suite struct WeightFileRoundTripTests {
  static let shapes: [[Int]] = [
    [], [0], [3, 0, 2], [1], [7], [1, 33], [16, 16], [17, 5], [33, 3, 5], [1, 1, 1, 1], [500],
  ]

  @Test("Every shape and contents come back, packed and plain", arguments: TensorDType.allCases)
  func everything(dtype: TensorDType) throws {
    var tensors: [TestTensor] = []
    for shape in Self.shapes {
      for contents in TestTensor.Contents.allCases {
        tensors.append(
          try TestTensor("\(contents).\(shape)", dtype, shape, contents, seed: 3))
      }
    }
    let folder = try TemporaryFolder()
    let metadata = ["format": "pt", "a \"quoted\"\nkey": "\u{1F600} \\ \u{1}"]
    let paths = try folder.write(tensors, metadata: metadata)
    for path in [paths.packed, paths.plain] {
      let file = try WeightFile(path: path)
      #expect(file.isPacked == (path == paths.packed))
      #expect(file.metadata == metadata)
      #expect(try file.contents(threads: 1) == tensors)
      #expect(try file.contents(threads: 3) == tensors)
    }
  }

  @Test(
    "Tensors of many chunks come back, in parallel as in order",
    arguments: [TensorDType.bf16, .f16, .f32, .u8])
  func large(dtype: TensorDType) throws {
    let tensors = [
      try TestTensor("a", dtype, [70_001, 33]), try TestTensor("b", dtype, [3, 1 << 19], .noise),
      try TestTensor("c", dtype, [2_000_003], .zeros),
    ]
    let folder = try TemporaryFolder()
    let paths = try folder.write(tensors, threads: 3)
    for path in [paths.packed, paths.plain] {
      let file = try WeightFile(path: path)
      #expect(try file.contents(threads: 1) == tensors)
      #expect(try file.contents(threads: 4) == tensors)
      var rows: [Range<Int>] = []
      try file.read("a") { rows.append($0.rows) }
      #expect(rows.count == 3 && rows.first?.lowerBound == 0 && rows.last?.upperBound == 70_001)
      #expect(rows.dropLast().allSatisfy { $0.upperBound % 16 == 0 })
      #expect(zip(rows, rows.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
    }
  }

  @Test func `zstd makes of a packed file a safetensors file of the same tensors`() throws {
    let tensors = [
      try TestTensor("bf16", .bf16, [300, 40]), try TestTensor("f32", .f32, [129, 9]),
      try TestTensor("index", .i64, [50], .pattern), try TestTensor("none", .f16, [0]),
      try TestTensor("noise", .bf16, [40, 40], .noise),
    ]
    let folder = try TemporaryFolder()
    let paths = try folder.write(tensors, metadata: ["format": "pt"])
    let decompressed = try decompress(try folder.read("t.safetensors.zst"))
    let file = try WeightFile(path: folder.write(decompressed, as: "planes.safetensors"))
    #expect(!file.isPacked)
    #expect(file.metadata == ["format": "pt"])
    #expect(try file.contents(threads: 2) == tensors)

    // The header says what another reader gets: bytes, plane after plane.
    let length = decompressed[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
    let header = try decompressed[8..<8 + length].withUnsafeBytes {
      try SafeTensorsHeader(json: $0, dataBytes: decompressed.count - 8 - length, path: "t")
    }
    let entry = try #require(header.entries.first { $0.tensor.name == "bf16" })
    #expect(entry.tensor.dtype == .u8 && entry.tensor.shape == [2, 300, 40])
    #expect(
      header.metadata[WeightFile.planesKey] == #"{"bf16":"BF16","f32":"F32"}"#,
      "noise gains nothing from planes")
    let data = decompressed[(8 + length + entry.range.lowerBound)...]
    let (high, low) = (Array(data.prefix(12_000)), Array(data.dropFirst(12_000).prefix(12_000)))
    for index in 0..<12_000 {
      let rotated = UInt16(high[index]) << 8 | UInt16(low[index])
      let bits = rotated >> 1 | rotated << 15
      #expect(little(bits) == Array(tensors[0].bytes[2 * index..<2 * index + 2]))
    }

    // And unpacks, from either form, to the plain file.
    for path in [paths.packed, file.path] {
      try WeightFileWriter(copying: WeightFile(path: path))
        .writePlain(to: folder.file("back"), threads: 2)
      #expect(try folder.read("back") == folder.read("t.safetensors"))
    }
  }

  @Test(
    "A plain file comes back bit for bit, whatever its header looks like",
    arguments: [
      #"{"a":{"dtype":"BF16","shape":[16,2],"data_offsets":[0,64]},"b":"#
        + #"{"dtype":"U8","shape":[3],"data_offsets":[64,67]}}"#,
      #"{ "b" : {"data_offsets":[64,67], "shape":[3],"dtype":"U8"},"#
        + #""\u0061":{"dtype":"BF16","shape":[16,2],"data_offsets":[0,64]}}       "#,
      #"{"__metadata__":{"z":"\/","y":"é"},"a":{"dtype":"BF16","shape":[16,2],"#
        + #""data_offsets":[0,64]},"b":{"dtype":"U8","shape":[3],"data_offsets":[64,67]}}"#,
    ])
  func exact(json: String) throws {
    let folder = try TemporaryFolder()
    let data = try TestTensor("a", .bf16, [16, 2]).bytes + [1, 2, 3]
    let plain = little(UInt64(json.utf8.count)) + Array(json.utf8) + data
    let path = try folder.write(plain, as: "plain")
    let metadata = try WeightFile(path: path).metadata
    func pack(_ name: String, as packed: String) throws {
      try WeightFileWriter(copying: WeightFile(path: folder.file(name)))
        .writePacked(to: folder.file(packed), threads: 1)
    }
    try pack("plain", as: "packed")
    try pack("packed", as: "again")
    #expect(try folder.read("packed") == folder.read("again"))
    try folder.write(try decompress(folder.read("packed")), as: "planes")
    for name in ["packed", "again", "planes"] {
      let file = try WeightFile(path: folder.file(name))
      #expect(file.metadata == metadata)
      try WeightFileWriter(copying: file).writePlain(to: folder.file("back"), threads: 1)
      #expect(try folder.read("back") == plain)
    }
  }

  @Test func `A file without tensors, and one with empty tensors alone`() throws {
    let folder = try TemporaryFolder()
    for tensors in [[], [try TestTensor("e", .f32, [0, 4])]] {
      let paths = try folder.write(tensors)
      for path in [paths.packed, paths.plain] {
        #expect(try WeightFile(path: path).contents(threads: 2) == tensors)
      }
      try WeightFileWriter(copying: WeightFile(path: paths.packed))
        .writePlain(to: folder.file("back"), threads: 1)
      #expect(try folder.read("back") == folder.read("t.safetensors"))
    }
  }

  @Test func `The bytes of a packed file do not depend on the threads`() throws {
    let tensors = try (0..<40).map { try TestTensor("\($0)", .bf16, [64, 50], seed: UInt64($0)) }
    let folder = try TemporaryFolder()
    try folder.write(tensors, threads: 1)
    let one = try folder.read("t.safetensors.zst")
    try folder.write(tensors, threads: 4)
    #expect(try folder.read("t.safetensors.zst") == one)
  }

  @Test func `Trained weights of bf16 pack to two thirds, zeros to nothing`() throws {
    let tensors = [try TestTensor("w", .bf16, [2048, 256])]
    let folder = try TemporaryFolder()
    let paths = try folder.write(tensors)
    let file = try WeightFile(path: paths.packed)
    let ratio = Double(file.storedBytes(at: 0)) / Double(tensors[0].bytes.count)
    #expect(0.6 < ratio && ratio < 0.68)
    let zeros = try folder.write([try TestTensor("z", .f32, [512, 512], .zeros)])
    #expect(try WeightFile(path: zeros.packed).size < 1000)
  }
}
