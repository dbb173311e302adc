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
      }
      promptIndices.append(seen[example.prompt] ?? 0)
      modelIndices.append(places[example.row.model] ?? 0)
    }
  }

  /// `(prompts, models + 1)`: logarithms of medians; in the last column what a prompt has in common
  /// under its models, each model's own mean taken off. NaN where there is none.
  var medians: [Float] {
    let width = models.count + 1
    var sums = [Float](repeating: 0, count: prompts.count * width)
    var counts = sums
    for index in examples.indices {
      let sizes = examples[index].row.outputSizes.sorted()
      let place = promptIndices[index] * width + modelIndices[index]
      sums[place] += logarithm(LengthStatistics.percentile(0.5, ofSorted: sizes))
      counts[place] += 1
    }
    var medians = zip(sums, counts).map { $1 > 0 ? $0 / $1 : Float.nan }
    let means = models.indices.map { model in
      mean(prompts.indices.map { medians[$0 * width + model] })
    }
    for prompt in prompts.indices {
      medians[prompt * width + models.count] = mean(
        models.indices.map { medians[prompt * width + $0] - means[$0] })
    }
    return medians
  }

  /// Of the numbers that are there.
  private func mean(_ values: [Float]) -> Float {
    let known = values.filter { !$0.isNaN }
    return known.isEmpty ? .nan : known.reduce(0, +) / Float(known.count)
  }
}
