import Decoding
import Testing
import Transformer

@Suite struct SequenceForkTests {
  private typealias Model = BatchInvarianceTests

  /// The bits of the row after `tokens`, which are appended to `sequence`.
  private func bits(
    _ model: TransformerModel, _ sequence: SequenceID, _ tokens: [TokenID]
  ) throws -> [UInt32] {
    var output = ForwardOutput(vocabularySize: 83, hiddenSize: 72)
    try model.forward([Slice(sequence, tokens: tokens[...], rows: 1)], into: &output)
    return Model.bits(output, row: 0)
  }

  @Test(arguments: [1, 15, 16, 17, 40])
  func `A fork goes on as its source would, and neither sees what the other reads`(_ length: Int)
    throws
  {
    let model = try Model.model(.f32)
    let prompt = Model.tokens(length, seed: 3)
    let (left, right) = (Model.tokens(30, seed: 4), Model.tokens(30, seed: 5))
    func alone(_ tokens: [TokenID]) throws -> [UInt32] {
      let sequence = model.openSequence()
      defer { model.closeSequence(sequence) }
      return try bits(model, sequence, prompt + tokens)
    }
    let source = model.openSequence()
    _ = try bits(model, source, prompt)
    let fork = try model.forkSequence(source)
    #expect(model.length(of: fork) == length)
    // In turns, so that each would overwrite what they shared.
    _ = try bits(model, source, Array(left[..<9]))
    _ = try bits(model, fork, Array(right[..<9]))
    #expect(try bits(model, source, Array(left[9...])) == alone(left))
    #expect(try bits(model, fork, Array(right[9...])) == alone(right))
    model.closeSequence(source)
    model.rewind(fork, to: length)
    #expect(try bits(model, fork, left) == alone(left))
  }
}
