import FoundationEssentials
import Support
import Testing
import Transformer

/// `model.safetensors.index.json` that does not fit its shards.
@Suite struct ShardIndexTests {
  private static let name = "model.safetensors.index.json"
  private static let shard = "model-00001-of-00004.safetensors"

  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    let source = Fixture.path("families/qwen3")
    for name in try FileManager.default.contentsOfDirectory(atPath: source) {
      try FileManager.default.copyItem(atPath: "\(source)/\(name)", toPath: folder.file(name))
    }
  }

  /// The weights, all of them read.
  private func load() throws {
    let configuration = try LlamaConfiguration(contentsOf: folder.file("config.json"))
    _ = try LlamaWeights(
      Checkpoint(path: folder.path), configuration: configuration, type: .f32, threads: 1)
  }

  @Test(
    "It is refused, with what is wrong",
    arguments: [
      ("", "not valid JSON"), ("[]", "expected"), ("{}", "weight_map"),
      (#"{"weight_map": {}}"#, "names 0 files"), (#"{"weight_map": {"a": 1}}"#, "weight_map.a"),
      (#"{"weight_map": {"a": "../config.json"}}"#, "is not the name of a file"),
      (#"{"weight_map": {"a": "/etc/passwd"}}"#, "is not the name of a file"),
      (#"{"weight_map": {"a": ".."}}"#, "is not the name of a file"),
      (#"{"weight_map": {"a": "b\u0000c"}}"#, "is not the name of a file"),
      (#"{"weight_map": {"a": ""}}"#, "is not the name of a file"),
      (#"{"weight_map": {"a": "."}}"#, "is not the name of a file"),
      (#"{"weight_map": {"a": "none.safetensors"}}"#, "none.safetensors: cannot be opened"),
      (#"{"weight_map": {"a": "config.json"}}"#, "config.json"),
      (#"{"weight_map": {"a": "\#(shard)"}}"#, "is not in the file where"),
      (#"{"weight_map": {"model.norm.weight": "\#(shard)"}}"#, "is not in the file where"),
    ])
  func refused(text: String, words: String) throws {
    try folder.write(Array(text.utf8), as: Self.name)
    let error = #expect(throws: ModelError.self) { try load() }
    #expect(error?.description.contains(words) == true, "\(String(describing: error))")
  }

  @Test("A shard that is not there, or was cut, is named")
  func shards() throws {
    try load()
    let bytes = try folder.read(Self.shard)
    try folder.write(Array(bytes.dropLast(7)), as: Self.shard)
    let cut = #expect(throws: ModelError.self) { try load() }
    #expect(cut?.description.contains(Self.shard) == true)
    try FileManager.default.removeItem(atPath: folder.file(Self.shard))
    let missing = #expect(throws: ModelError.self) { try load() }
    #expect(missing?.code == .missing && missing?.description.contains(Self.shard) == true)
  }

  @Test("Whatever happens to it, it is refused or reads")
  func fuzzed() throws {
    let sound = try folder.read(Self.name)
    var refused = 0
    for seed in 0..<400 {
      var generator = SeededGenerator(seed: UInt64(seed))
      var bytes = sound
      if seed % 4 == 0 {
        _ = Corruption.damage(&bytes, using: &generator)
      } else {
        _ = JSONCorruption.damage(&bytes, using: &generator)
      }
      try folder.write(bytes, as: Self.name)
      do {
        try load()
      } catch is ModelError {
        refused += 1
      }
    }
    #expect(refused > 100)
  }
}
