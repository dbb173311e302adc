import Decoding
import FoundationEssentials
import Support
import Testing
import Transformer

/// Converted folders compute what their sources do.
@Suite struct ModelConversionTests {
  /// A family's folder with a tokenizer of single letters.
  static func source(_ name: String, in folder: TemporaryFolder) throws -> String {
    let path = folder.file(name)
    try FileManager.default.copyItem(atPath: Fixture.path("families/\(name)"), toPath: path)
    let letters = (0..<60).map { "\"\(Character(Unicode.Scalar(UInt8(48 + $0))))\":\($0 + 2)" }
      .filter { !$0.hasPrefix("\"\\\"") }
    let tokenizer = #"""
      {"normalizer":{"type":"Replace","pattern":{"String":" "},"content":"▁"},"pre_tokenizer":null,
       "decoder":{"type":"Sequence","decoders":[{"type":"Fuse"}]},
       "model":{"type":"BPE","unk_token":"<unk>","fuse_unk":true,"vocab":{"<unk>":0,"▁":1,
      """# + letters.joined(separator: ",") + #"},"merges":[]}}"#
    try folder.write(Array(tokenizer.utf8), as: "\(name)/tokenizer.json")
    return path
  }

  static func logits(_ directory: ModelDirectory) throws -> [UInt32] {
    let model = try directory.loadModel(type: .f32, team: WorkerTeam(threads: 2))
    var output = ForwardOutput(vocabularySize: model.vocabularySize, hiddenSize: model.hiddenSize)
    let tokens = (0..<90).map { TokenID($0 * 7 % 64) }
    try model.forward(
      [Slice(model.openSequence(), tokens: tokens[...], rows: 3)], into: &output)
    return output.logits.map(\.bitPattern)
  }

  @Test("A folder keeps every bit of its weights, shards and all", arguments: FamilyTests.names)
  func folder(name: String) throws {
    let folder = try TemporaryFolder()
    let source = try ModelDirectory(path: Self.source(name, in: folder))
    try ModelConversion(source).write(to: folder.file("made"), threads: 2)
    let made = try ModelDirectory(path: folder.file("made"))
    #expect(made.checkpoint.files.count == 1)
    let same = try Self.logits(made) == Self.logits(source)
    #expect(same)
    #expect(try Set(folder.names) == ["made", name])
  }

  @Test("A GGUF file becomes a folder that computes the same", arguments: GGUFTests.names)
  func gguf(name: String) throws {
    let folder = try TemporaryFolder()
    let source = try ModelDirectory(path: Fixture.path("gguf/\(name).gguf"))
    try ModelConversion(source).write(to: folder.file("made") + "/", threads: 2)
    let made = try ModelDirectory(path: folder.file("made"))
    let same = try Self.logits(made) == Self.logits(source)
    #expect(same)
    #expect(made.configuration == source.configuration)
    #expect(made.endOfSequence == source.endOfSequence)
    let text = "ABC def 0"
    let ids = made.tokenizer.encode(text, addSpecialTokens: true)
    #expect(ids == source.tokenizer.encode(text, addSpecialTokens: true))
    #expect(ids.first == 1 && made.tokenizer.decode(ids, skipSpecialTokens: true) == text)
    #expect(try made.chatTemplate.get().name == "gemma")
  }

  @Test("A type that is asked for is the type of the file")
  func dtype() throws {
    let folder = try TemporaryFolder()
    let source = try ModelDirectory(path: Self.source("smollm2", in: folder))
    try ModelConversion(source).write(to: folder.file("made"), as: .f16, threads: 1)
    let made = try ModelDirectory(path: folder.file("made"))
    #expect(Set(made.checkpoint.files.flatMap(\.tensors).map(\.dtype)) == [.f16])
  }

  @Test("A conversion that is stopped, or cannot be written, leaves nothing")
  func nothingIsLeft() throws {
    let folder = try TemporaryFolder()
    let source = try ModelDirectory(path: Self.source("smollm2", in: folder))
    let conversion = ModelConversion(source)
    let stopped = #expect(throws: ModelError.self) {
      try conversion.write(to: folder.file("made"), threads: 2, isCancelled: { true })
    }
    #expect(stopped?.code == .cancelled)
    #expect(try folder.names == ["smollm2"])
    let nowhere = #expect(throws: ModelError.self) {
      try conversion.write(to: folder.file("no/such/place"), threads: 2)
    }
    #expect(nowhere?.code == .missing)
    #expect(try folder.names == ["smollm2"])
  }
}
