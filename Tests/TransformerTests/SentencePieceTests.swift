import Decoding
import FoundationEssentials
import Support
import Testing
import Transformer

/// SentencePiece's BPE in the pipelines of its families; reference values made by
/// Tools/reference/sentencepiece_fixture.py.
@Suite struct SentencePieceTests {
  struct Fixtures: Decodable {
    var pipelines: [TokenizerFixture.Pipeline]
  }

  static let path = Fixture.path("sentencepiece/tokenizer.json")
  static let pipelines = Result {
    try JSONDecoder().decode(
      Fixtures.self,
      from: Data(contentsOf: URL(filePath: Fixture.path("sentencepiece/reference.json")))
    ).pipelines
  }

  @Test(
    "Ids and texts are those of the tokenizers library", arguments: try Self.pipelines.get())
  func agrees(pipeline: TokenizerFixture.Pipeline) throws {
    let tokenizer = try TokenizerFixture.tokenizer(replacing: pipeline.keys, in: Self.path)
    for (index, text) in pipeline.texts.enumerated() {
      let ids = tokenizer.encode(text, addSpecialTokens: true)
      #expect(ids == pipeline.ids[index], "\(text.debugDescription)")
      let plain = tokenizer.encode(text, addSpecialTokens: false, parseSpecial: false)
      #expect(plain == pipeline.plain[index] ?? pipeline.ids[index], "\(text.debugDescription)")
      let decoded = tokenizer.decode(pipeline.ids[index], skipSpecialTokens: true)
      #expect(decoded == pipeline.decoded?[index])
      var stream = StreamingDetokenizer(tokenizer, skipSpecialTokens: true)
      let pieces = pipeline.ids[index].map { stream.push($0) }
      #expect(pieces.joined() + stream.finish() == decoded)
    }
  }

  @Test("A GGUF vocabulary gives the ids of the tokenizer.json that it was made from")
  func gguf() throws {
    let file = try WeightFile(path: Fixture.path("sentencepiece/vocabulary.gguf"))
    let ours = try Tokenizer(gguf: try #require(file.gguf))
    let pipeline = try #require(try Self.pipelines.get().first { $0.name == "llama2" })
    for (text, ids) in zip(pipeline.texts, pipeline.ids) {
      #expect(ours.encode(text, addSpecialTokens: true) == ids, "\(text.debugDescription)")
    }
    #expect(ours.firstDifference(from: try Tokenizer(contentsOf: Self.path)) == nil)
    #expect(ours.isSpecial(1) && !ours.isSpecial(300))
  }

  @Test(
    "A megabyte of one kind takes time in proportion to its length", .timeLimit(.minutes(1)),
    arguments: try Self.pipelines.get())
  func hostile(pipeline: TokenizerFixture.Pipeline) throws {
    let tokenizer = try TokenizerFixture.tokenizer(replacing: pipeline.keys, in: Self.path)
    for unit in ["a", " ", "👍", "\u{2581}", "the "] {
      let text = String(repeating: unit, count: (1 << 20) / unit.utf8.count)
      #expect(!tokenizer.encode(text, addSpecialTokens: false).isEmpty)
    }
  }
}
