import Decoding
import Support
import Testing

@Suite struct TextLikelihoodTests {
  /// Remembers the last token, so that windows can change nothing but the first loss of each.
  private let model = FakeModel(vocabularySize: 13, contextLength: 200, seed: 3)

  private func losses(_ tokens: [TokenID]) -> [Double] {
    (1..<tokens.count).map { index in
      let logits = model.logits(after: tokens[..<index]).map(Double.init)
      let top = logits.max() ?? 0
      let sum = logits.reduce(0) { $0 + Double.exponential($1 - top) }
      return top + Double.naturalLogarithm(sum) - logits[Int(tokens[index])]
    }
  }

  private static let tokens: [TokenID] = {
    var generator = SeededGenerator(seed: 1)
    return (0..<500).map { _ in TokenID.random(in: 0..<13, using: &generator) }
  }()

  @Test("Every token but the first counts once, whatever the window", arguments: [6, 7, 64, 200])
  func windows(window: Int) throws {
    for count in [0, 1, 2, 5, 6, 7, 64, 65, 130, 500] {
      let tokens = Array(Self.tokens[..<count])
      var likelihood = TextLikelihood()
      var reported = 0
      try likelihood.add(tokens, window: window, by: model) { reported += $0 }
      #expect(likelihood.losses.count == max(0, count - 1) && reported == max(0, count - 1))
      guard count > 1 else { continue }
      // The model reads two tokens back, and half of any of these windows is more.
      for (ours, exact) in zip(likelihood.losses, losses(tokens)) {
        #expect(abs(ours - exact) < 1e-5)
      }
    }
    #expect(model.openSequences == 0)
  }

  @Test func `A model that knows nothing is as perplexed as its vocabulary is large`() throws {
    let model = FakeModel(probabilities: [Double](repeating: 0.125, count: 8))
    var likelihood = TextLikelihood()
    try likelihood.add(Array(0..<8), window: 8, by: model)
    #expect(abs(likelihood.perplexity - 8) < 1e-5)
    #expect(abs(likelihood.uncertainty - 1) < 1e-6)
    var better = TextLikelihood()
    let other = FakeModel(probabilities: [Double](repeating: 0.25, count: 4))
    try better.add([0, 1, 2, 3, 0, 1, 2, 3], window: 5, by: other)
    let ratio = better.ratio(to: likelihood)
    #expect(abs(ratio.value - 0.5) < 1e-6 && abs(ratio.uncertainty - 1) < 1e-6)
  }

  @Test func `A token of half the others' chance has its own loss and widens the interval`() throws
  {
    let model = FakeModel(probabilities: [0.5, 0.25, 0.25])
    var likelihood = TextLikelihood()
    try likelihood.add([0, 0, 1, 2, 0], window: 3, by: model)
    let expected = [0.5, 0.25, 0.25, 0.5].map { -Double.naturalLogarithm($0) }
    for (ours, exact) in zip(likelihood.losses, expected) { #expect(abs(ours - exact) < 1e-6) }
    #expect(abs(likelihood.perplexity - 8.squareRoot()) < 1e-5)
    // Losses of ln 2 and 2 ln 2: a standard error of ln 2 / sqrt(12).
    let error = Double.naturalLogarithm(2) / 12.squareRoot()
    #expect(abs(likelihood.uncertainty - Double.exponential(1.96 * error)) < 1e-5)
  }
}
