import Learning

/// What is learnt about prompts' texts before any of the rows' lengths are looked at.
struct TextReader {
  let terms: PromptTerms
  let countScale: Standardisation
  let background: TermWeights
  let backgroundScale: Standardisation

  struct Text {
    var counts: [Float]
    var background: [Float]
    var vector: PromptTerms.Vector
    /// The background's guesses, as columns behind the vector's own terms and counts.
    var tail: SparseVector
  }

  init(
    _ prompts: [String], _ answers: [BackgroundAnswers], _ settings: PromptLengthSettings
  ) throws(LearningError) {
    let countScale = try Standardisation(fittingRows: prompts.map { PromptTerms.counts(of: $0) })
    var terms = try PromptTerms(bucketBits: settings.bucketBits, seed: settings.seed)
    try terms.fit(prompts, others: answers.flatMap(\.prompts))
    func vector(_ prompt: String) -> PromptTerms.Vector {
      terms.vector(of: prompt, counts: countScale.applied(to: PromptTerms.counts(of: prompt)))
    }
    var rows = SparseRows(width: terms.width)
    var targets: [Float] = []
    for (writer, own) in answers.enumerated() {
      for (prompt, length) in zip(own.prompts, own.lengths) {
        let vector = vector(prompt)
        rows.append(vector.terms, vector.counts, vector.others)
        for other in answers.indices {
          targets.append(other == writer ? logarithm(max(1, length)) : .nan)
        }
      }
    }
    let background = TermWeights(
      SparseRidge.fit(
        rows, chosen: Array(0..<rows.count), targets: targets, outputs: answers.count,
        penalty: settings.backgroundPenalty),
      denseColumns: terms.termCount..<terms.ownWidth,
      significantBits: PromptLengthModel.significantBits)
    backgroundScale = try Standardisation(
      fittingRows: prompts.map { prompt in
        let vector = vector(prompt)
        return background.predict(vector.terms, vector.others, vector.counts)
      })
    self.background = background
    self.terms = terms
    self.countScale = countScale
  }

  func read(_ prompt: String) -> Text {
    let counts = countScale.applied(to: PromptTerms.counts(of: prompt))
    let vector = terms.vector(of: prompt, counts: counts)
    let others = backgroundScale.applied(
      to: background.predict(vector.terms, vector.others, vector.counts))
    return Text(
      counts: counts, background: others, vector: vector,
      tail: PromptLengthModel.behind(terms.ownWidth, others))
  }
}
