/// A model as one of another vocabulary size: for a draft whose vocabulary is the target's but for
/// tokens that only one of them has, padding or added ones.
///
/// A token that the model lacks has no chance in its rows, and where the text has one the model reads
/// its last token instead: the guess is worse there, and the text remains the target's.
package final class FittedModel: LanguageModel {
  package let vocabularySize: Int
  private let model: any LanguageModel
  private var output: ForwardOutput

  package init(_ model: any LanguageModel, vocabularySize: Int) {
    self.model = model
    self.vocabularySize = vocabularySize
    output = ForwardOutput(vocabularySize: model.vocabularySize, hiddenSize: model.hiddenSize)
  }

  package var hiddenSize: Int { model.hiddenSize }
  package var contextLength: Int { model.contextLength }
  package func openSequence() throws -> SequenceID { try model.openSequence() }

  package func forkSequence(_ sequence: SequenceID) throws -> SequenceID {
    try model.forkSequence(sequence)
  }

  package func closeSequence(_ sequence: SequenceID) { model.closeSequence(sequence) }
  package func length(of sequence: SequenceID) -> Int { model.length(of: sequence) }

  package func rewind(_ sequence: SequenceID, to length: Int) {
    model.rewind(sequence, to: length)
  }

  package func forward(_ slices: [Slice], into output: inout ForwardOutput) throws {
    let last = TokenID(model.vocabularySize - 1)
    let known = slices.map { slice in
      var slice = slice
      if let most = slice.tokens.max(), most > last {
        slice.tokens = ArraySlice(slice.tokens.map { min($0, last) })
      }
      for index in slice.siblings.indices {
        slice.siblings[index].token = min(slice.siblings[index].token, last)
      }
      return slice
    }
    try model.forward(known, into: &self.output)
    output.prepare(rows: self.output.rowCount)
    let (own, shared) = (model.vocabularySize, min(model.vocabularySize, vocabularySize))
    for row in 0..<self.output.rowCount {
      let start = row * vocabularySize
      output.logits.replaceSubrange(
        start..<start + shared, with: self.output.logits[row * own..<row * own + shared])
      for token in start + shared..<start + vocabularySize { output.logits[token] = -.infinity }
    }
    let states = 0..<self.output.rowCount * hiddenSize
    output.hidden.replaceSubrange(states, with: self.output.hidden[states])
  }
}
