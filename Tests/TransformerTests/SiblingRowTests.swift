import Decoding
import Support
import Testing
import Transformer

/// Tokens read beside the chain: each row is that of a plain forward over what it stands behind, bit
/// for bit, and the sequence is as if they had never been.
@Suite struct SiblingRowTests {
  /// A sequence's part in a forward.
  struct Part {
    var before: Int
    var chain: Int
    /// Of the chain's tokens.
    var places: [Int]
    var rows: Int?
  }

  static func bits(_ output: ForwardOutput, row: Int) -> [UInt32] {
    let (logits, hidden) = (output.vocabularySize, output.hiddenSize)
    return
      (output.logits[row * logits..<(row + 1) * logits]
      + output.hidden[row * hidden..<(row + 1) * hidden]).map(\.bitPattern)
  }

  /// Bits of the row behind the last of the tokens, which are all that the sequence holds.
  static func alone(_ model: any LanguageModel, _ tokens: [TokenID]) throws -> [UInt32] {
    let sequence = try model.openSequence()
    defer { model.closeSequence(sequence) }
    var output = ForwardOutput(vocabularySize: model.vocabularySize, hiddenSize: model.hiddenSize)
    try model.forward([Slice(sequence, tokens: tokens[...], rows: 1)], into: &output)
    return bits(output, row: 0)
  }

  /// Reads the parts in one forward, and one more token of each in another.
  static func check(_ model: any LanguageModel, _ parts: [Part], seed: UInt64 = 1) throws {
    var generator = SeededGenerator(seed: seed)
    var output = ForwardOutput(vocabularySize: model.vocabularySize, hiddenSize: model.hiddenSize)
    func tokens(_ count: Int) -> [TokenID] {
      (0..<count).map { _ in .random(in: 0..<TokenID(model.vocabularySize), using: &generator) }
    }
    var (slices, expected, texts): ([Slice], [[UInt32]], [[TokenID]]) = ([], [], [])
    for part in parts {
      let (before, chain) = (tokens(part.before), tokens(part.chain))
      let sequence = try model.openSequence()
      if !before.isEmpty {
        try model.forward([Slice(sequence, tokens: before[...], rows: 0)], into: &output)
      }
      let siblings = zip(part.places, tokens(part.places.count)).map(Slice.Sibling.init)
      let rows = part.rows ?? part.chain
      slices.append(Slice(sequence, tokens: chain[...], rows: rows, siblings: siblings))
      texts.append(before + chain)
      for end in part.chain - rows..<part.chain {
        expected.append(try alone(model, before + chain[...end]))
      }
      for sibling in siblings {
        var read = before + chain[..<sibling.place]
        read.append(sibling.token)
        expected.append(try alone(model, read))
      }
    }
    try model.forward(slices, into: &output)
    #expect(output.rowCount == expected.count)
    for row in expected.indices where bits(output, row: row) != expected[row] {
      Issue.record("row \(row) of \(parts)")
    }
    for (slice, text) in zip(slices, texts) {
      #expect(model.length(of: slice.sequence) == text.count)
      try model.forward([Slice(slice.sequence, tokens: [7], rows: 1)], into: &output)
      #expect(try bits(output, row: 0) == alone(model, text + [7]))
      model.closeSequence(slice.sequence)
    }
  }

  @Test(
    "Beside any place of a chain, at the borders of blocks and at the beginning",
    arguments: [.f32, .f16, .q8] as [WeightType], [1, 2])
  func places(_ type: WeightType, _ threads: Int) throws {
    let model = try BatchInvarianceTests.model(type, threads: threads)
    for before in [0, 1, 30, 31, 32, 33, 60, 63, 64, 100] {
      try Self.check(model, [Part(before: before, chain: 1, places: [0])])
      try Self.check(
        model, [Part(before: before, chain: 5, places: [0, 1, 1, 3, 4])], seed: UInt64(before))
      try Self.check(model, [Part(before: before, chain: 4, places: [3, 0, 2], rows: 0)])
    }
  }

  @Test("Beside those of other sequences", arguments: [1, 2, 3])
  func batch(_ threads: Int) throws {
    let model = try BatchInvarianceTests.model(.bf16, threads: threads)
    let parts = [
      Part(before: 40, chain: 3, places: [0, 2]), Part(before: 0, chain: 9, places: [], rows: 1),
      Part(before: 70, chain: 1, places: [0, 0, 0]), Part(before: 31, chain: 6, places: [1, 0, 5]),
      Part(before: 5, chain: 1, places: [], rows: 0), Part(before: 90, chain: 40, places: [39, 5]),
    ]
    try Self.check(model, parts)
    try Self.check(model, parts.reversed(), seed: 2)
  }

  @Test("Where tokens see a window", arguments: [3, 32, 50])
  func window(_ size: Int) throws {
    var configuration = BatchInvarianceTests.configuration
    configuration.slidingWindow = SlidingWindow(size: size, layers: [true, false])
    let weights = try LlamaWeights(configuration, type: .f32)
    weights.fillRandomly(seed: 7)
    let model = try TransformerModel(weights: weights, team: WorkerTeam(threads: 2))
    for before in [0, 2, 31, 62, 80, 96] {
      try Self.check(model, [Part(before: before, chain: 6, places: [0, 1, 2, 5, 5])])
    }
  }

  @Test func `In a text past the context`() throws {
    let model = try StreamingAttentionTests.model(layers: 2, context: 128, window: 64)
    for before in [60, 63, 95, 127, 128, 300, 700, 1023] {
      try Self.check(
        model,
        [
          Part(before: before, chain: 6, places: [0, 1, 4, 5]),
          Part(before: 3, chain: 2, places: [1]),
        ])
    }
  }

  @Test("In batches of several passes", arguments: [1, 2])
  func passes(_ threads: Int) throws {
    let long = LlamaConfiguration(
      vocabularySize: 83, hiddenSize: 32, intermediateSize: 48, layerCount: 2, headCount: 2,
      keyValueHeadCount: 1, contextLength: 700)
    let weights = try LlamaWeights(long, type: .f32)
    weights.fillRandomly(seed: 2)
    let model = try TransformerModel(weights: weights, team: WorkerTeam(threads: threads))
    let places = [0, 1, 31, 32, 254, 255, 256, 257, 299]
    try Self.check(model, [Part(before: 0, chain: 300, places: places, rows: 3)])
    try Self.check(model, [Part(before: 37, chain: 300, places: places, rows: 3)])
    // A pass ends among siblings, and between a chain and its own.
    for chain in 250...256 {
      try Self.check(
        model,
        [
          Part(before: 10, chain: chain, places: [0, 100, chain - 1, chain - 1, 3], rows: 1),
          Part(before: 50, chain: 5, places: [0, 4]),
        ])
    }
  }

  @Test func `A sibling that is no token changes nothing`() throws {
    let model = try BatchInvarianceTests.model(.f32)
    let sequence = model.openSequence()
    var output = ForwardOutput(vocabularySize: 83, hiddenSize: 72)
    try model.forward([Slice(sequence, tokens: [1, 2, 3], rows: 1)], into: &output)
    for token in [-1, 83] as [TokenID] {
      #expect(throws: ModelError.self) {
        try model.forward(
          [
            Slice(
              sequence, tokens: [4, 5], rows: 2,
              siblings: [Slice.Sibling(place: 1, token: 6), Slice.Sibling(place: 0, token: token)])
          ], into: &output)
      }
      #expect(model.length(of: sequence) == 3)
    }
    try model.forward([Slice(sequence, tokens: [9], rows: 1)], into: &output)
    #expect(try Self.bits(output, row: 0) == Self.alone(model, [1, 2, 3, 9]))
  }

  @Test func `Through a vocabulary that was made to fit`() throws {
    for size in [60, 90] {
      let model = FittedModel(try BatchInvarianceTests.model(.f32), vocabularySize: size)
      try Self.check(model, [Part(before: 20, chain: 8, places: Array(0..<8) + [3, 3])])
    }
  }
}
