/// A token of a vocabulary: `0 ..< vocabularySize`.
package typealias TokenID = Int32

/// Names one sequence in a model's key/value cache.
///
/// The model that made it is the only one that understands it.
package struct SequenceID: Hashable, Sendable {
  package let index: Int
  package init(index: Int) { self.index = index }
}

/// "n new tokens of one sequence": the unit of every forward pass.
///
/// Prefill is one long slice, decode is a slice of one token, verification is a slice of K + 1
/// tokens with siblings of some of them, and a batch is many slices of different sequences.
package struct Slice: Sendable {
  package var sequence: SequenceID
  /// The new tokens; they follow what the sequence's cache already holds. Never empty.
  package var tokens: ArraySlice<TokenID>
  /// How many of the last positions give a row of logits: `0 ... tokens.count`.
  package var rows: Int
  /// Each gives a row, after those of the tokens.
  package var siblings: [Sibling]

  package init(
    _ sequence: SequenceID, tokens: ArraySlice<TokenID>, rows: Int, siblings: [Sibling] = []
  ) {
    self.sequence = sequence
    self.tokens = tokens
    self.rows = rows
    self.siblings = siblings
  }

  /// A token that is read in the place of one of the slice's, after the same tokens before it: a leaf
  /// beside the chain. The sequence does not hold it afterwards.
  package struct Sibling: Sendable, Equatable {
    /// Which of the slice's tokens it stands for, from 0.
    package var place: Int
    package var token: TokenID

    package init(place: Int, token: TokenID) {
      self.place = place
      self.token = token
    }
  }

  /// Rows of logits that a forward gives for it.
  package var rowCount: Int { rows + siblings.count }
}

/// What a forward pass leaves: one row per position asked for, slice by slice, oldest first, the
/// siblings of a slice behind its tokens.
///
/// A caller keeps one value and passes it to every forward, so that its storage is reused.
package struct ForwardOutput: Sendable {
  package let vocabularySize: Int
  package let hiddenSize: Int
  /// `(rows, vocabularySize)`, row-major.
  package var logits: [Float] = []
  /// `(rows, hiddenSize)`, row-major: the states after the final norm, which the output matrix reads.
  package var hidden: [Float] = []
  package private(set) var rowCount = 0

  package init(vocabularySize: Int, hiddenSize: Int) {
    self.vocabularySize = vocabularySize
    self.hiddenSize = hiddenSize
  }

  /// Makes room for `rows` rows; what they hold is unspecified until the model writes them.
  package mutating func prepare(rows: Int) {
    rowCount = rows
    grow(&logits, to: rows * vocabularySize)
    grow(&hidden, to: rows * hiddenSize)
  }

  private func grow(_ storage: inout [Float], to count: Int) {
    if storage.count < count {
      storage.append(contentsOf: repeatElement(0, count: count - storage.count))
    }
  }
}

/// A model that scores next tokens and can take tokens back.
///
/// Two promises make speculation exact (they are tested, bit for bit, for every model we ship):
/// a row of a forward over many tokens equals the row of a forward over that token alone, whatever
/// else is in the batch; and after `rewind` the sequence behaves as if the tokens had never come.
package protocol LanguageModel: AnyObject {
  var vocabularySize: Int { get }
  /// Width of the final hidden rows.
  var hiddenSize: Int { get }
  /// The most tokens that one sequence can hold.
  var contextLength: Int { get }

  /// Opens an empty sequence.
  func openSequence() throws -> SequenceID
  /// Opens a sequence that holds the tokens of `sequence`, as if it had read them itself.
  func forkSequence(_ sequence: SequenceID) throws -> SequenceID
  /// Frees what the sequence holds. The name must not be used again.
  func closeSequence(_ sequence: SequenceID)
  /// How many tokens the sequence holds.
  func length(of sequence: SequenceID) -> Int
  /// Forgets every token from position `length` on. `length` must not exceed the present length.
  func rewind(_ sequence: SequenceID, to length: Int)

  /// Appends each slice's tokens to its sequence and writes the rows asked for.
  ///
  /// The slices name different sequences. On an error no sequence has changed.
  func forward(_ slices: [Slice], into output: inout ForwardOutput) throws
}

extension ForwardOutput {
  /// The logits of one row.
  package func withLogits<Result>(
    row: Int, _ body: (UnsafeBufferPointer<Float>) throws -> Result
  ) rethrows -> Result {
    try logits.withUnsafeBufferPointer { all in
      try body(
        UnsafeBufferPointer(rebasing: all[row * vocabularySize..<(row + 1) * vocabularySize]))
    }
  }

  /// A copy of the hidden state of one row.
  package func hiddenRow(_ row: Int) -> [Float] {
    Array(hidden[row * hiddenSize..<(row + 1) * hiddenSize])
  }
}
