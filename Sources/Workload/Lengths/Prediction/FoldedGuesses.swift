import Learning

/// First guesses of medians for the training prompts by regressions that did not see them, from which
/// networks and trees learn how far guesses for new prompts can be trusted; and the regressions over all
/// of them, for new prompts.
///
/// Corpora differ in what a word says about the answer (a "list" in a question, in a program), so that a
/// regression for each, with a few hundred prompts, guesses better than one over all with thousands. How
/// alike a prompt is to each corpus is regressed on its words too: new prompts do not say where they
/// come from.
struct FoldedGuesses {
  /// Outputs: the models' medians, what is common to them, and one for each expert's corpus.
  let shared: SparseRidge.Fit
  let experts: [SparseRidge.Fit]
  /// By prompt, without itself: of the expert of the nearest corpus, where there are experts.
  private(set) var heldOut: [[Float]]
  /// By prompt, without itself: of the regression over all; empty where there are no experts.
  private(set) var heldOutShared: [[Float]]

  /// How many times as much counts weigh for an expert; measured by cross-validation.
  private static let countFactor: Float = 2

  init(
    _ corpus: PromptCorpus, _ texts: [TextReader.Text], _ reader: TextReader,
    _ settings: PromptLengthSettings
  ) {
    let everyone = Array(corpus.prompts.indices)
    let width = corpus.models.count + 1
    var rows = SparseRows(width: reader.terms.ownWidth + (texts.first?.background.count ?? 0))
    for text in texts { rows.append(text.vector.terms, text.vector.counts, text.tail) }
    var random = SeededRandom(settings.seed, 1)
    let folds = everyone.map { _ in random.below(settings.folds) }

    let corpora = Self.corporaWithExperts(corpus, settings)
    let medians = corpus.medians
    var targets: [Float] = []
    for prompt in everyone {
      targets += medians[prompt * width..<(prompt + 1) * width]
      targets += corpora.map { $0 == corpus.datasets[prompt] ? 1 : 0 }
    }
    func fit(_ chosen: [Int]) -> SparseRidge.Fit {
      SparseRidge.fit(
        rows, chosen: chosen, targets: targets, outputs: width + corpora.count,
        penalty: settings.guessPenalty)
    }
    shared = fit(everyone)
    var guesses = [[Float]](repeating: [], count: everyone.count)
    for fold in 0..<settings.folds {
      let others = fit(everyone.filter { folds[$0] != fold })
      for prompt in everyone where folds[prompt] == fold {
        let text = texts[prompt]
        guesses[prompt] = others.predict(text.vector.terms, text.vector.counts, text.tail)
      }
    }
    guard !corpora.isEmpty else {
      (experts, heldOut, heldOutShared) = ([], guesses, guesses.map { _ in [] })
      return
    }

    let counts = reader.terms.termCount..<reader.terms.ownWidth
    rows.scale(counts, by: Self.countFactor)
    func expert(_ chosen: [Int]) -> SparseRidge.Fit {
      var fit = SparseRidge.fit(
        rows, chosen: chosen, targets: medians, outputs: width, penalty: settings.expertPenalty)
      for place in counts.lowerBound * width..<counts.upperBound * width {
        fit.weights[place] *= Self.countFactor
      }
      return fit
    }
    let nearest = guesses.map { guess in
      corpora.indices.max { guess[width + $0] < guess[width + $1] } ?? 0
    }
    heldOut = guesses
    heldOutShared = guesses.map { Array($0[..<width]) }
    var all: [SparseRidge.Fit] = []
    for (index, name) in corpora.enumerated() {
      let own = everyone.filter { corpus.datasets[$0] == name }
      let asked = everyone.filter { nearest[$0] == index }
      let whole = expert(own)
      for fold in 0..<settings.folds {
        let others = expert(own.filter { folds[$0] != fold })
        for prompt in asked where folds[prompt] == fold {
          let text = texts[prompt]
          heldOut[prompt] = (corpus.datasets[prompt] == name ? others : whole).predict(
            text.vector.terms, text.vector.counts, text.tail)
        }
      }
      all.append(whole)
    }
    experts = all
  }

  /// Those of which enough prompts are left in each fold, if there are two or more.
  private static func corporaWithExperts(
    _ corpus: PromptCorpus, _ settings: PromptLengthSettings
  ) -> [String] {
    let counts = Dictionary(corpus.datasets.map { ($0, 1) }, uniquingKeysWith: +)
    let large = counts.filter { $0.value >= 25 * settings.folds }.keys.sorted()
    return large.count > 1 ? large : []
  }
}
