import Testing

@testable import Workload

@Suite struct PromptCorpusTests {
  /// A row of `model` whose draws are all `length`.
  private func example(_ prompt: String, _ model: String, _ length: Int) -> LengthExample {
    LengthExample(
      row: Rows.row(model: model, prompt: prompt, sizes: [length, length]), prompt: prompt)
  }

  @Test func `A model that did not answer is filled in by its mean and what the prompt asks for`() {
    // Model b answers twice as long as a; the second prompt gets answers four times as long.
    let corpus = PromptCorpus([
      example("p", "a", 100), example("p", "b", 200), example("q", "a", 400),
      example("q", "b", 800), example("r", "a", 200),
    ])
    #expect(corpus.models == ["a", "b"])
    let medians = corpus.medians
    func isNear(_ place: Int, _ tokens: Double) -> Bool {
      abs(medians[place] - logarithm(tokens)) < 1e-4
    }
    #expect(isNear(0, 100) && isNear(1, 200) && isNear(3, 400) && isNear(4, 800))
    // Means are 200 and 400. The third prompt is as long as the mean, so the gap is the mean.
    #expect(isNear(6, 200) && isNear(7, 400) && abs(medians[8]) < 1e-4)
    // Half as long under both models, pulled by one more that is as long as its mean.
    #expect(abs(medians[2] + 2 * logarithm(2) / 3) < 1e-4)
  }
}
