/// A row with the text of its prompt: what predictors are trained on and scored with.
package struct LengthExample: Sendable {
  package var row: LengthRow
  package var prompt: String

  package init(row: LengthRow, prompt: String) {
    self.row = row
    self.prompt = prompt
  }
}

/// Examples gathered by prompt: the text is read once, and the lengths under all models stand side
/// by side.
struct PromptCorpus {
  let examples: [LengthExample]
  /// Sorted.
  let models: [String]
  /// Different texts, in the order in which they come.
  private(set) var prompts: [String] = []
  /// The corpus of each.
  private(set) var datasets: [String] = []
  /// For each example the place of its text in `prompts`, and of its model in `models`.
  private(set) var promptIndices: [Int] = []
  private(set) var modelIndices: [Int] = []

  init(_ examples: [LengthExample]) {
    self.examples = examples
    models = Set(examples.map(\.row.model)).sorted()
    let places = Dictionary(uniqueKeysWithValues: zip(models, models.indices))
    var seen: [String: Int] = [:]
    for example in examples {
      if seen[example.prompt] == nil {
        seen[example.prompt] = prompts.count
        prompts.append(example.prompt)
        datasets.append(example.row.dataset)
      }
      promptIndices.append(seen[example.prompt] ?? 0)
      modelIndices.append(places[example.row.model] ?? 0)
    }
  }

  /// `(prompts, models + 1)`: logarithms of medians; in the last column what a prompt has in common
  /// under its models: how much longer its answers are than others of the same model and corpus, pulled
  /// to none as by one more model. Where a model did not answer a prompt there is its mean on the corpus
  /// plus that, so that every regression learns from every prompt.
  var medians: [Float] {
    let width = models.count + 1
    var medians = [Float](repeating: 0, count: prompts.count * width)
    var counts = medians
    for index in examples.indices {
      let sizes = examples[index].row.outputSizes.sorted()
      let place = promptIndices[index] * width + modelIndices[index]
      medians[place] += logarithm(LengthStatistics.percentile(0.5, ofSorted: sizes))
      counts[place] += 1
    }
    for place in medians.indices where counts[place] > 1 { medians[place] /= counts[place] }
    let corpora = Set(datasets).sorted()
    var means: [String: [Float]] = [:]
    for corpus in corpora {
      means[corpus] = models.indices.map { model in
        let known = prompts.indices.filter { counts[$0 * width + model] > 0 }
        let own = known.filter { datasets[$0] == corpus }
        let used = own.count > Self.fewPrompts ? own : known
        return used.reduce(0) { $0 + medians[$1 * width + model] } / Float(max(1, used.count))
      }
    }
    for prompt in prompts.indices {
      let expected = means[datasets[prompt]] ?? []
      let places = models.indices.map { prompt * width + $0 }
      let known = models.indices.filter { counts[places[$0]] > 0 }
      let excess = known.reduce(0) { $0 + medians[places[$1]] - expected[$1] }
      let common = excess / Float(known.count + 1)
      medians[prompt * width + models.count] = common
      for model in models.indices where counts[places[model]] == 0 {
        medians[places[model]] = expected[model] + common
      }
    }
    return medians
  }

  /// Of so few prompts of a corpus a model's mean is not taken.
  private static let fewPrompts = 20
}
