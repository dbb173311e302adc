/// Labels as SpecDec++ makes them (2405.19715, section 3.2 and its published code): off-policy, on the
/// target's own text.
///
/// The target answers at temperature 1 (X); at each place of X the draft draws a token Y given the
/// places of X before it, with label min(1, p(Y) / q(Y)); the head reads the draft's states over a
/// mixture that keeps X with probability 0.15 and has Y elsewhere, and learns where it has Y.
package struct TeacherForcing {
  package var keptShare = 0.15
  package let target: any LanguageModel
  package let draft: any LanguageModel

  package init(target: any LanguageModel, draft: any LanguageModel) {
    self.target = target
    self.draft = draft
  }

  /// One state of a token of the mixture and its label.
  package struct Sample: Sendable, Equatable {
    package var hidden: [Float]
    package var acceptance: Double

    package init(hidden: [Float], acceptance: Double) {
      self.hidden = hidden
      self.acceptance = acceptance
    }
  }

  /// - Parameter answer: X, drawn from the target at temperature 1.
  /// - Parameter chance: draws Y, and decides what is mixed.
  package func samples(
    prompt: [TokenID], answer: [TokenID], chance: inout any ChanceSource
  ) throws -> [Sample] {
    guard !answer.isEmpty, prompt.count + answer.count <= draft.contextLength else { return [] }
    let sampling = SamplingOptions(temperature: 1)
    let prefix = Prefix(prompt: prompt, sampling: sampling)
    // Row i of these forwards is what comes in the place of answer[i].
    let text = prompt + answer.dropLast()
    let p = try rows(of: target, text, count: answer.count)
    let q = try rows(of: draft, text, count: answer.count)
    var mixture = answer
    var acceptances = [Double?](repeating: nil, count: answer.count)
    for index in answer.indices {
      let position = prompt.count + index
      let (target, draft) = (
        p.withLogits(row: index, prefix.distribution),
        q.withLogits(row: index, prefix.distribution)
      )
      let drawn = chance.token(from: draft, position: position, purpose: .draft)
      if chance.accepts(probability: keptShare, position: position) { continue }
      mixture[index] = drawn
      acceptances[index] = TokenVerification.acceptance(of: drawn, target: target, draft: draft)
    }
    // The state of mixture[i] is the row of its own place, once it was fed.
    let states = try rows(of: draft, prompt + mixture, count: answer.count)
    return answer.indices.compactMap { index in
      acceptances[index].map { Sample(hidden: states.hiddenRow(index), acceptance: $0) }
    }
  }

  /// The last `count` rows of a forward over `tokens`.
  private func rows(
    of model: any LanguageModel, _ tokens: [TokenID], count: Int
  ) throws -> ForwardOutput {
    let sequence = try model.openSequence()
    defer { model.closeSequence(sequence) }
    var output = ForwardOutput(vocabularySize: model.vocabularySize, hiddenSize: model.hiddenSize)
    try model.forward([Slice(sequence, tokens: tokens[...], rows: count)], into: &output)
    return output
  }
}
