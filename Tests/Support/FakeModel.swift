package import Decoding

/// A language model without weights: its logits are any function of the tokens before.
///
/// It keeps real sequences, checks what it is asked, and counts its forwards, so that rounds can be
/// compared with theory.
package final class FakeModel: LanguageModel {
  package let vocabularySize: Int
  package let contextLength: Int
  package let hiddenSize = 2
  package private(set) var forwards = 0
  package private(set) var openSequences = 0
  private let logits: (ArraySlice<TokenID>) -> [Float]
  private var sequences: [Int: [TokenID]] = [:]
  private var next = 0

  package init(
    vocabularySize: Int, contextLength: Int = 64,
    logits: @escaping (ArraySlice<TokenID>) -> [Float]
  ) {
    self.vocabularySize = vocabularySize
    self.contextLength = contextLength
    self.logits = logits
  }

  /// Random logits that depend on the last two tokens.
  package convenience init(
    vocabularySize: Int, contextLength: Int = 64, seed: UInt64, spread: Float = 2
  ) {
    self.init(vocabularySize: vocabularySize, contextLength: contextLength) { tokens in
      let last = tokens.suffix(2).reduce(UInt64(tokens.count > 1 ? 1 : 0)) {
        $0 &* 31 &+ UInt64($1) &+ 7
      }
      var generator = SeededGenerator(seed: seed &+ last &* 0x9E37_79B9)
      return (0..<vocabularySize).map { _ in .random(in: -spread...spread, using: &generator) }
    }
  }

  /// The same distribution everywhere.
  package convenience init(probabilities: [Double]) {
    self.init(vocabularySize: probabilities.count) { _ in
      probabilities.map { $0 > 0 ? Float.logarithm($0) : -.infinity }
    }
  }

  /// The logits after some tokens.
  package func logits(after tokens: ArraySlice<TokenID>) -> [Float] { logits(tokens) }

  package func openSequence() -> SequenceID {
    sequences[next] = []
    next += 1
    openSequences += 1
    return SequenceID(index: next - 1)
  }

  package func forkSequence(_ sequence: SequenceID) -> SequenceID {
    let fork = openSequence()
    sequences[fork.index] = tokens(of: sequence)
    return fork
  }

  package func closeSequence(_ sequence: SequenceID) {
    precondition(sequences.removeValue(forKey: sequence.index) != nil, "closed twice")
    openSequences -= 1
  }

  package func length(of sequence: SequenceID) -> Int { tokens(of: sequence).count }

  package func rewind(_ sequence: SequenceID, to length: Int) {
    let held = tokens(of: sequence)
    precondition(0...held.count ~= length)
    sequences[sequence.index] = Array(held[..<length])
  }

  package func forward(_ slices: [Slice], into output: inout ForwardOutput) throws {
    forwards += 1
    output.prepare(rows: slices.reduce(0) { $0 + $1.rowCount })
    var row = 0
    for slice in slices {
      precondition(!slice.tokens.isEmpty)
      let before = tokens(of: slice.sequence)
      let all = before + slice.tokens
      precondition(all.count <= contextLength, "past the context")
      sequences[slice.sequence.index] = all
      let chains = (all.count - slice.rows + 1..<all.count + 1).map { all[..<$0] }
      let leaves = slice.siblings.map { sibling -> ArraySlice<TokenID> in
        precondition(0..<slice.tokens.count ~= sibling.place)
        return all[..<(before.count + sibling.place)] + [sibling.token]
      }
      for read in chains + leaves {
        for (index, value) in logits(read).enumerated() {
          output.logits[row * vocabularySize + index] = value
        }
        output.hidden[row * 2] = Float(read.count)
        output.hidden[row * 2 + 1] = Float(read.last ?? 0)
        row += 1
      }
    }
  }

  private func tokens(of sequence: SequenceID) -> [TokenID] {
    guard let tokens = sequences[sequence.index] else { preconditionFailure("no such sequence") }
    return tokens
  }
}
