/// A loss that is a weighted mean over rows: `sum of row losses / sum of row weights`.
///
/// The weights depend on the targets alone, so the mean over any set of rows, and its gradient, follow
/// from what each row gives. A network's outputs come in raw (logits, not probabilities).
package protocol Loss: Sendable {
  /// How many outputs of the network a row has.
  var outputWidth: Int { get }
  /// How many numbers a row's target has.
  var targetWidth: Int { get }

  /// What is wrong with a target, or nil.
  func problem(with target: Span<Float>) -> String?

  /// What the row adds to the denominator.
  func weight(of target: Span<Float>) -> Float

  /// What the row adds to the numerator; writes its derivative by the outputs to `gradient`.
  func evaluate(
    _ outputs: Span<Float>, _ target: Span<Float>, gradient: inout MutableSpan<Float>
  ) -> Float
}
