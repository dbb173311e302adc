/// A prompt that the target reads once for many answers.
///
/// All but its last token is read here; every answer starts from a fork and feeds the last one, whose
/// row it samples from. Since a forward does not depend on how tokens are cut into slices, the answers
/// are those of prompts that are read one by one, bit for bit.
package final class SharedPrompt {
  private let target: any LanguageModel
  private let sequence: SequenceID

  /// - Parameter prompt: not empty, of the target's vocabulary and within its context.
  package init(target: any LanguageModel, prompt: [TokenID]) throws {
    self.target = target
    sequence = try target.openSequence()
    let read = prompt.dropLast()
    guard !read.isEmpty else { return }
    var output = ForwardOutput(
      vocabularySize: target.vocabularySize, hiddenSize: target.hiddenSize)
    try target.forward([Slice(sequence, tokens: read, rows: 0)], into: &output)
  }

  deinit { target.closeSequence(sequence) }

  func fork() throws -> SequenceID { try target.forkSequence(sequence) }
}
