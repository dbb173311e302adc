#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// How likely texts are to a model, token by token: what perplexity is computed from.
package struct TextLikelihood: Sendable {
  /// `-log p(token | tokens before)` in nats, of every token that had one before it.
  package private(set) var losses: [Double] = []

  package init() {}

  /// `exp` of the mean loss; NaN without tokens.
  package var perplexity: Double { exp(mean(losses)) }

  /// The factor by which `perplexity` may be off: `exp` of 1.96 standard errors of the mean loss,
  /// losses taken as independent.
  package var uncertainty: Double { Self.factor(losses) }

  /// This perplexity over another model's on the same tokens, and by which factor that may be off;
  /// what makes a token hard weighs on both alike.
  package func ratio(to other: TextLikelihood) -> (value: Double, uncertainty: Double) {
    let differences = zip(losses, other.losses).map { $0 - $1 }
    return (exp(mean(differences)), Self.factor(differences))
  }

  /// Rows of logits that are asked for at a time, which bounds their memory.
  private static let rowsAtOnce = 64

  /// Adds the tokens of one text but the first.
  ///
  /// A text longer than `window` is read in windows that overlap by half, so that every token but
  /// those of the first window has at least half a window before it (the strided sliding window of
  /// Hugging Face's guide to perplexity).
  ///
  /// - Parameters:
  ///   - window: 2 or more, and not more than the model's context.
  ///   - progress: called with the tokens that were added since the last call.
  /// - Throws: what the model throws.
  package mutating func add(
    _ tokens: [TokenID], window: Int, by model: any LanguageModel,
    progress: (Int) -> Void = { _ in }
  ) throws {
    precondition(2...model.contextLength ~= window)
    var output = ForwardOutput(
      vocabularySize: model.vocabularySize, hiddenSize: model.hiddenSize)
    var next = 1
    while next < tokens.count {
      let start = next == 1 ? 0 : next - window / 2
      let end = min(start + window, tokens.count)
      let sequence = try model.openSequence()
      defer { model.closeSequence(sequence) }
      if start < next - 1 {
        try model.forward(
          [Slice(sequence, tokens: tokens[start..<next - 1], rows: 0)], into: &output)
      }
      while next < end {
        let count = min(Self.rowsAtOnce, end - next)
        try model.forward(
          [Slice(sequence, tokens: tokens[next - 1..<next - 1 + count], rows: count)],
          into: &output)
        for row in 0..<count {
          let probability = output.withLogits(row: row) {
            LogitsRow($0).logProbability(of: tokens[next + row])
          }
          losses.append(-probability)
        }
        next += count
        progress(count)
      }
    }
  }

  private func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

  private static func factor(_ values: [Double]) -> Double {
    let count = Double(values.count)
    let mean = values.reduce(0, +) / count
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1)
    return exp(1.96 * (variance / count).squareRoot())
  }
}
