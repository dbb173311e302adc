import Support
import Testing

@testable import Transformer

/// Random damage: a typed error, or the tensors as they were; never a crash, a hang, or memory that
/// an honest file would not take.
@Suite struct WeightFileCorruptionTests {
  static func tensors() throws -> [TestTensor] {
    [
      try TestTensor("model.embed.weight", .bf16, [160, 64], seed: 5),
      try TestTensor("model.norm.weight", .f32, [64], .pattern),
      try TestTensor("index", .i64, [2, 3], .noise), try TestTensor("empty", .f16, [0, 2]),
    ]
  }

  /// Loads a file of these bytes; nil if there was an error.
  private func load(_ bytes: [UInt8], in folder: TemporaryFolder) throws -> (
    tensors: [TestTensor]?, peak: Int
  ) {
    let path = try folder.write(bytes, as: "damaged")
    let budget = MemoryBudget()
    do throws(ModelError) {
      let file = try WeightFile(path: path, budget: budget)
      try file.verify(threads: 1)
      return (try? file.contents(threads: 1), budget.peak)
    } catch {
      #expect(error.path == path && !error.problem.isEmpty)
      #expect(error.code == .malformed || error.code == .unsupported)
      return (nil, budget.peak)
    }
  }

  @Test(.timeLimit(.minutes(1)))
  func `Damage anywhere in a packed file is found, or does not matter`() throws {
    let folder = try TemporaryFolder()
    let tensors = try Self.tensors()
    try folder.write(tensors)
    let sound = try folder.read("t.safetensors.zst")
    let honest = try load(sound, in: folder)
    #expect(honest.tensors == tensors)
    var generator = SeededGenerator(seed: 11)
    for trial in 0..<2000 {
      var bytes = sound
      let kind = Corruption.damage(&bytes, using: &generator)
      let result = try load(bytes, in: folder)
      #expect(result.tensors == nil || result.tensors == tensors, "\(kind), trial \(trial)")
      #expect(result.peak <= 2 * honest.peak, "\(kind), trial \(trial)")
    }
  }

  @Test(.timeLimit(.minutes(1)))
  func `Damage inside the header of a packed file is found, or is another honest header`() throws {
    let folder = try TemporaryFolder()
    let tensors = try Self.tensors()
    try folder.write(tensors)
    let file = try WeightFile(path: folder.file("t.safetensors.zst"))
    let data = try decompress(try folder.read("t.safetensors.zst"))
    let length = 8 + data[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
    var frames: [[UInt8]] = []
    var offset = length
    for piece in file.stored.flatMap(\.chunks).flatMap(\.pieces).sorted(by: {
      $0.offset < $1.offset
    }) {
      frames.append(Array(data[offset..<offset + piece.decodedBytes]))
      offset += piece.decodedBytes
    }
    let honest = try load(
      PackedParts(header: Array(data[..<length]), frames: frames).encoded(), in: folder)
    #expect(honest.tensors == tensors)
    var generator = SeededGenerator(seed: 12)
    var accepted = 0
    for trial in 0..<1000 {
      var header = Array(data[..<length])
      let kind = Corruption.damage(&header, using: &generator)
      let parts = PackedParts(header: header, frames: frames)
      let result = try load(parts.encoded(), in: folder)
      if let found = result.tensors {
        accepted += 1
        // Other names, types or shapes: but the bytes are those of the frames.
        #expect(found.reduce(0) { $0 + $1.bytes.count } == data.count - length)
      }
      #expect(result.peak <= 2 * honest.peak, "\(kind), trial \(trial)")
    }
    #expect(accepted < 200)
  }

  @Test(.timeLimit(.minutes(1)))
  func `Damage to a plain file never does more than change values`() throws {
    let folder = try TemporaryFolder()
    let tensors = try Self.tensors()
    try folder.write(tensors)
    let sound = try folder.read("t.safetensors")
    let honest = try load(sound, in: folder)
    #expect(honest.tensors == tensors)
    var generator = SeededGenerator(seed: 13)
    for trial in 0..<1000 {
      var bytes = sound
      let kind = Corruption.damage(&bytes, using: &generator)
      let result = try load(bytes, in: folder)
      if let found = result.tensors { #expect(found.count <= bytes.count / 8) }
      #expect(result.peak <= 2 * honest.peak, "\(kind), trial \(trial)")
    }
  }
}
