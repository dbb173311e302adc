/// The mean over outputs of `(output - target)^2`, as PyTorch's `mse_loss` has it.
package struct SquaredError: Loss, Equatable {
  package var outputWidth: Int
  package var targetWidth: Int { outputWidth }

  package init(outputs: Int = 1) { outputWidth = outputs }

  package func problem(with target: Span<Float>) -> String? {
    for index in target.indices where !target[index].isFinite {
      return "target \(index) is \(target[index])"
    }
    return nil
  }

  package func weight(of target: Span<Float>) -> Float { 1 }

  package func evaluate(
    _ outputs: Span<Float>, _ target: Span<Float>, gradient: inout MutableSpan<Float>
  ) -> Float {
    var sum: Float = 0
    for index in outputs.indices {
      let difference = outputs[index] - target[index]
      sum += difference * difference
      gradient[index] = 2 * difference / Float(outputWidth)
    }
    return sum / Float(outputWidth)
  }
}
