import Decoding
import Support
import Testing
import Transformer

/// "The batch does not change the bits", for the whole model.
@Suite struct BatchInvarianceTests {
  static let configuration = LlamaConfiguration(
    vocabularySize: 83, hiddenSize: 72, intermediateSize: 100, layerCount: 2, headCount: 6,
    keyValueHeadCount: 2, headSize: 16, contextLength: 160, attentionBias: true)

  static func model(_ type: WeightType, threads: Int = 1) throws -> TransformerModel {
    let weights = try LlamaWeights(configuration, type: type)
    weights.fillRandomly(seed: 7)
    return try TransformerModel(weights: weights, team: WorkerTeam(threads: threads))
  }

  static func tokens(_ count: Int, seed: UInt64) -> [TokenID] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in TokenID.random(in: 0..<83, using: &generator) }
  }

  /// Logits and hidden bits of each token, fed one by one.
  static func oneByOne(_ model: TransformerModel, _ tokens: [TokenID]) throws -> [[UInt32]] {
    let sequence = model.openSequence()
    defer { model.closeSequence(sequence) }
    var output = ForwardOutput(vocabularySize: 83, hiddenSize: 72)
    return try tokens.indices.map { index in
      try model.forward([Slice(sequence, tokens: tokens[index...index], rows: 1)], into: &output)
      return bits(output, row: 0)
    }
  }

  static func bits(_ output: ForwardOutput, row: Int) -> [UInt32] {
    (output.logits[row * 83..<(row + 1) * 83] + output.hidden[row * 72..<(row + 1) * 72])
      .map(\.bitPattern)
  }

  @Test(
    "A forward over n tokens equals n forwards over one, bit for bit",
    arguments: WeightType.allCases)
  func widths(_ type: WeightType) throws {
    let tokens = Self.tokens(64, seed: 1)
    let expected = try Self.oneByOne(Self.model(type), tokens)
    for threads in [1, 2, 3] {
      let model = try Self.model(type, threads: threads)
      for width in 1...21 {
        let sequence = model.openSequence()
        defer { model.closeSequence(sequence) }
        var output = ForwardOutput(vocabularySize: 83, hiddenSize: 72)
        try model.forward([Slice(sequence, tokens: tokens[..<40], rows: 0)], into: &output)
        try model.forward(
          [Slice(sequence, tokens: tokens[40..<40 + width], rows: width)], into: &output)
        for row in 0..<width {
          #expect(Self.bits(output, row: row) == expected[40 + row])
        }
      }
    }
  }

  @Test func `Batch mates change no bit`() throws {
    let model = try Self.model(.f16, threads: 2)
    let texts = (0..<5).map { Self.tokens(70, seed: UInt64(10 + $0)) }
    let expected = try texts.map { try Self.oneByOne(model, $0) }
    let sequences = texts.map { _ in model.openSequence() }
    var done = [0, 0, 0, 0, 0]
    var generator = SeededGenerator(seed: 3)
    var output = ForwardOutput(vocabularySize: 83, hiddenSize: 72)
    while done.contains(where: { $0 < 70 }) {
      // Some of the sequences, each with a few tokens, as in continuous batching.
      var slices: [Slice] = []
      var places: [(text: Int, position: Int)] = []
      for text in texts.indices where done[text] < 70 && Bool.random(using: &generator) {
        let count = min(Int.random(in: 1...9, using: &generator), 70 - done[text])
        let rows = Int.random(in: 0...count, using: &generator)
        slices.append(
          Slice(sequences[text], tokens: texts[text][done[text]..<done[text] + count], rows: rows))
        places += (count - rows..<count).map { (text, done[text] + $0) }
        done[text] += count
      }
      try model.forward(slices, into: &output)
      #expect(output.rowCount == places.count)
      for (row, place) in places.enumerated() {
        #expect(Self.bits(output, row: row) == expected[place.text][place.position])
      }
    }
  }

  @Test func `A long prompt through several passes gives the same bits`() throws {
    let long = LlamaConfiguration(
      vocabularySize: 83, hiddenSize: 32, intermediateSize: 48, layerCount: 1, headCount: 2,
      keyValueHeadCount: 1, contextLength: 700)
    let weights = try LlamaWeights(long, type: .f32)
    weights.fillRandomly(seed: 2)
    let model = try TransformerModel(weights: weights, team: WorkerTeam(threads: 2))
    let tokens = Self.tokens(600, seed: 4)
    var whole = ForwardOutput(vocabularySize: 83, hiddenSize: 32)
    let first = model.openSequence()
    try model.forward([Slice(first, tokens: tokens[...], rows: 600)], into: &whole)
    let second = model.openSequence()
    var part = ForwardOutput(vocabularySize: 83, hiddenSize: 32)
    for index in tokens.indices {
      try model.forward([Slice(second, tokens: tokens[index...index], rows: 1)], into: &part)
      let row = whole.logits[index * 83..<(index + 1) * 83]
      #expect(row.map(\.bitPattern) == part.logits[..<83].map(\.bitPattern))
    }
  }

  @Test func `After a rewind the sequence is as if the tokens had never come`() throws {
    let model = try Self.model(.bf16, threads: 2)
    let tokens = Self.tokens(120, seed: 5)
    let wrong = Self.tokens(120, seed: 6)
    let expected = try Self.oneByOne(model, tokens)
    let sequence = model.openSequence()
    var output = ForwardOutput(vocabularySize: 83, hiddenSize: 72)
    var generator = SeededGenerator(seed: 8)
    var position = 0
    while position < tokens.count {
      let detour = min(Int.random(in: 1...40, using: &generator), 160 - position)
      try model.forward([Slice(sequence, tokens: wrong[..<detour], rows: 1)], into: &output)
      model.rewind(sequence, to: position)
      #expect(model.length(of: sequence) == position)
      let count = min(Int.random(in: 1...7, using: &generator), tokens.count - position)
      try model.forward(
        [Slice(sequence, tokens: tokens[position..<position + count], rows: count)], into: &output)
      for row in 0..<count {
        #expect(Self.bits(output, row: row) == expected[position + row])
      }
      position += count
    }
  }

  @Test func `A forward that cannot be done changes nothing`() throws {
    let model = try Self.model(.f32)
    let tokens = Self.tokens(160, seed: 9)
    let (full, other) = (model.openSequence(), model.openSequence())
    var output = ForwardOutput(vocabularySize: 83, hiddenSize: 72)
    try model.forward([Slice(full, tokens: tokens[..<150], rows: 1)], into: &output)
    #expect(throws: ModelError.self) {
      try model.forward(
        [
          Slice(other, tokens: tokens[..<40], rows: 1), Slice(full, tokens: tokens[..<11], rows: 1),
        ],
        into: &output)
    }
    #expect(throws: ModelError.self) {
      try model.forward([Slice(other, tokens: [0, 83], rows: 1)], into: &output)
    }
    #expect(model.length(of: full) == 150)
    #expect(model.length(of: other) == 0)
    let expected = try Self.oneByOne(model, Array(tokens[..<3]))
    try model.forward([Slice(other, tokens: tokens[..<3], rows: 1)], into: &output)
    #expect(Self.bits(output, row: 0) == expected[2])
  }
}
