import Decoding
import Support
import Testing
import Transformer

/// Text past the context of a model.
@Suite struct StreamingAttentionTests {
  static func model(layers: Int, context: Int, window: Int?) throws -> TransformerModel {
    var configuration = LlamaConfiguration(
      vocabularySize: 50, hiddenSize: 32, intermediateSize: 48, layerCount: layers, headCount: 4,
      keyValueHeadCount: 2, contextLength: context)
    configuration.streaming = window.flatMap {
      StreamingAttention(window: $0, contextLength: context)
    }
    let weights = try LlamaWeights(configuration, type: .f32)
    weights.fillRandomly(seed: 5)
    return try TransformerModel(weights: weights, team: WorkerTeam(threads: 2))
  }

  static func tokens(_ count: Int) -> [TokenID] {
    var generator = SeededGenerator(seed: 9)
    return (0..<count).map { _ in TokenID.random(in: 0..<50, using: &generator) }
  }

  /// The logits after the last of the tokens.
  static func logits(_ model: TransformerModel, _ tokens: [TokenID]) throws -> [Float] {
    var output = ForwardOutput(vocabularySize: model.vocabularySize, hiddenSize: model.hiddenSize)
    let sequence = model.openSequence()
    defer { model.closeSequence(sequence) }
    try model.forward([Slice(sequence, tokens: tokens[...], rows: 1)], into: &output)
    return Array(output.logits[..<model.vocabularySize])
  }

  @Test("One layer sees what a text of the beginning and the window alone would show it")
  func sees() throws {
    let streaming = try Self.model(layers: 1, context: 128, window: 96)
    let plain = try Self.model(layers: 1, context: 128, window: nil)
    let tokens = Self.tokens(3000)
    for count in [1, 90, 127, 128, 129, 160, 161, 250, 641, 3000] {
      let block = max(1, (count - 1) / 32 - 2)
      let seen = Array(tokens[..<min(32, count)] + tokens[min(block * 32, count)..<count])
      let ours = try Self.logits(streaming, Array(tokens[..<count]))
      let expected = try Self.logits(plain, seen)
      let difference = zip(ours, expected).map { abs($0 - $1) }.max() ?? .infinity
      #expect(difference <= 1e-5 * (expected.map(abs).max() ?? 0), "\(count): \(difference)")
      if count <= 128 { #expect(ours == expected) }
    }
  }

  @Test("Batches and rewinding change no bit, and memory stops growing")
  func rewinds() throws {
    let model = try Self.model(layers: 2, context: 128, window: 64)
    let tokens = Self.tokens(2500)
    var output = ForwardOutput(vocabularySize: model.vocabularySize, hiddenSize: model.hiddenSize)
    let one = model.openSequence()
    var expected: [[UInt32]] = []
    var bytes = 0
    for (index, token) in tokens.enumerated() {
      try model.forward([Slice(one, tokens: [token], rows: 1)], into: &output)
      expected.append(output.logits[..<model.vocabularySize].map(\.bitPattern))
      if index == 900 { bytes = model.cacheByteCount }
    }
    #expect(model.cacheByteCount == bytes)
    model.closeSequence(one)

    var generator = SeededGenerator(seed: 4)
    let many = model.openSequence()
    var (different, furthest) = (0, 0)
    while model.length(of: many) < tokens.count {
      let start = model.length(of: many)
      let count = min(tokens.count - start, Int.random(in: 1...40, using: &generator))
      let slice = tokens[start..<start + count]
      try model.forward([Slice(many, tokens: slice, rows: count)], into: &output)
      for row in 0..<count {
        let logits = output.logits[
          row * model.vocabularySize..<(row + 1) * model.vocabularySize]
        if logits.map(\.bitPattern) != expected[start + row] { different += 1 }
      }
      // Forgets all or a part of it, most of the time.
      if Int.random(in: 0..<3, using: &generator) > 0 {
        model.rewind(many, to: start + Int.random(in: 0...count, using: &generator))
      }
      // Sometimes goes back far, but no farther from where it has been than it may.
      furthest = max(furthest, start + count)
      let back = model.length(of: many) - 200
      if back > max(600, furthest - 450), Int.random(in: 0..<20, using: &generator) == 0 {
        model.rewind(many, to: back)
      }
    }
    #expect(different == 0)
  }

  @Test("A fork of a long text goes on as the text does")
  func forks() throws {
    let model = try Self.model(layers: 2, context: 128, window: 64)
    let tokens = Self.tokens(1500)
    var output = ForwardOutput(vocabularySize: model.vocabularySize, hiddenSize: model.hiddenSize)
    let first = model.openSequence()
    for start in stride(from: 0, to: 1400, by: 100) {
      let slice = tokens[start..<start + 100]
      try model.forward([Slice(first, tokens: slice, rows: 1)], into: &output)
    }
    let second = try model.forkSequence(first)
    try model.forward(
      [
        Slice(first, tokens: tokens[1400...], rows: 1),
        Slice(second, tokens: tokens[1400...], rows: 1),
      ], into: &output)
    let size = model.vocabularySize
    #expect(output.logits[..<size] == output.logits[size..<2 * size])
  }

  @Test("A context without room for a window has none")
  func room() {
    #expect(StreamingAttention(window: 31, contextLength: 1000) == nil)
    #expect(StreamingAttention(window: 100, contextLength: 63) == nil)
    #expect(StreamingAttention(window: 100, contextLength: 64) != nil)
  }
}
