import Decoding
import FoundationEssentials
import Support
import Testing
import Transformer

/// Every family and every scaling of rotations against Hugging Face transformers, on tiny checkpoints
/// made by Tools/reference/families.py.
@Suite struct FamilyTests {
  struct Reference: Decodable {
    var tokens: [TokenID]
    var positions: [Int]
    var logits: [[Float]]
    var prompt: Int
    var greedy: [TokenID]

    init(_ name: String) throws {
      let path = Fixture.path("families/\(name)/reference.json")
      self = try JSONDecoder().decode(Self.self, from: Data(contentsOf: URL(filePath: path)))
    }
  }

  static let names = [
    "gemma2", "gemma3", "llama-dynamic", "llama-eabf", "llama-linear", "llama3", "mistral",
    "phi3-longrope", "qwen2-yarn", "qwen3", "smollm2",
  ]

  static func model(_ name: String, type: WeightType = .f32) throws -> TransformerModel {
    let folder = Fixture.path("families/\(name)")
    let weights = try LlamaWeights(
      Checkpoint(path: folder),
      configuration: LlamaConfiguration(contentsOf: folder + "/config.json"), type: type, threads: 2
    )
    return try TransformerModel(weights: weights, team: WorkerTeam(threads: 2))
  }

  @Test(
    "Logits at the first positions, at 511 and past the scaling point agree to 1e-4",
    arguments: names)
  func agrees(name: String) throws {
    let reference = try Reference(name)
    let model = try Self.model(name)
    let sequence = model.openSequence()
    var output = ForwardOutput(vocabularySize: model.vocabularySize, hiddenSize: model.hiddenSize)
    try model.forward(
      [Slice(sequence, tokens: reference.tokens[...], rows: reference.tokens.count)], into: &output)
    for (position, expected) in zip(reference.positions, reference.logits) {
      let row = output.logits[
        position * model.vocabularySize..<(position + 1) * model.vocabularySize]
      let largest = expected.map(abs).max() ?? 0
      let difference = zip(row, expected).map { abs($0 - $1) }.max() ?? .infinity
      #expect(difference <= 1e-4 * largest, "position \(position): \(difference / largest)")
    }
  }

  @Test("Greedy text is that of transformers for 64 tokens", arguments: names)
  func greedy(name: String) throws {
    let reference = try Reference(name)
    let model = try Self.model(name)
    let sequence = model.openSequence()
    var output = ForwardOutput(vocabularySize: model.vocabularySize, hiddenSize: model.hiddenSize)
    var tokens = Array(reference.tokens[..<reference.prompt])
    var given = 0
    while tokens.count < reference.prompt + reference.greedy.count {
      try model.forward([Slice(sequence, tokens: tokens[given...], rows: 1)], into: &output)
      given = tokens.count
      let best = output.logits.indices.max { output.logits[$0] < output.logits[$1] }
      tokens.append(TokenID(try #require(best)))
    }
    #expect(Array(tokens[reference.prompt...]) == reference.greedy)
  }

  @Test(
    "A pass over many tokens has the bits of a pass over each", arguments: names,
    [WeightType.f32, .q8])
  func invariance(name: String, type: WeightType) throws {
    let tokens = try Reference(name).tokens[..<150]
    let model = try Self.model(name, type: type)
    let (one, many) = (model.openSequence(), model.openSequence())
    var output = ForwardOutput(vocabularySize: model.vocabularySize, hiddenSize: model.hiddenSize)
    try model.forward([Slice(many, tokens: tokens, rows: tokens.count)], into: &output)
    let together = output.logits
    var different: [Int] = []
    for (index, token) in tokens.enumerated() {
      try model.forward([Slice(one, tokens: [token], rows: 1)], into: &output)
      let row = together[index * model.vocabularySize..<(index + 1) * model.vocabularySize]
      let alone = output.logits[..<model.vocabularySize]
      if alone.map(\.bitPattern) != row.map(\.bitPattern) { different.append(index) }
    }
    #expect(different.isEmpty)
  }
}
