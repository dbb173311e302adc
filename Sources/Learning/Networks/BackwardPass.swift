extension DenseNetwork {
  /// Adds the gradient of the parameters to `gradient`, for the rows of the last forward pass.
  ///
  /// - Parameters:
  ///   - workspace: As the forward pass left it; its first gradient buffer holds the derivative of
  ///     the loss by the outputs, `(rows, outputWidth)`.
  ///   - gradient: As long as `parameters`.
  func backward(
    rows: Int, in workspace: inout NetworkWorkspace, addingTo gradient: inout [Float]
  ) {
    let capacity = workspace.rows
    workspace.activations.withUnsafeBufferPointer { activations in
      workspace.gradients.withUnsafeMutableBufferPointer { scratch in
        parameters.withUnsafeBufferPointer { parameters in
          gradient.withUnsafeMutableBufferPointer { gradient in
            guard
              let activations = activations.baseAddress, let scratchBase = scratch.baseAddress,
              let parameters = parameters.baseAddress, let gradient = gradient.baseAddress
            else { return }
            var buffers = (scratchBase, scratchBase + scratch.count / 2)
            for (index, stage) in stages.enumerated().reversed() {
              // Nobody needs the derivative by the network's inputs.
              stage.backward(
                activations, capacity: capacity, rows: rows, parameters, gradient, &buffers,
                needsInputGradient: index > 0)
            }
          }
        }
      }
    }
  }
}

extension Stage {
  /// Turns the derivative by the stage's outputs, in `buffers.0`, into the one by its inputs, in
  /// `buffers.0` again, and adds the derivative by its parameters to `gradient`.
  func backward(
    _ activations: UnsafePointer<Float>, capacity: Int, rows: Int,
    _ parameters: UnsafePointer<Float>, _ gradient: UnsafeMutablePointer<Float>,
    _ buffers: inout (UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>),
    needsInputGradient: Bool
  ) {
    let x = activations + inputOffset * capacity
    let dy = buffers.0
    switch operation {
    case .linear:
      addParameterGradient(dy, x, rows: rows, to: gradient)
      guard needsInputGradient else { return }
      buffers.1.update(repeating: 0, count: rows * inputs)
      accumulateProduct(
        StridedMatrix(base: dy, row: outputs, column: 1), parameters + parameterOffset,
        m: rows, n: inputs, depth: outputs, into: buffers.1)
      buffers = (buffers.1, buffers.0)
    case .residualBlock:
      // y = x + silu(z): dz = dy silu'(z), and dx = dy + W' dz may be added up in place.
      let dz = buffers.1
      let z = activations + preactivationOffset * capacity
      forEachLane(rows * outputs, dy, z, into: dz) { dy, z in dy * siluSlope(z) }
      addParameterGradient(dz, x, rows: rows, to: gradient)
      guard needsInputGradient else { return }
      accumulateProduct(
        StridedMatrix(base: dz, row: outputs, column: 1), parameters + parameterOffset,
        m: rows, n: inputs, depth: outputs, into: dy)
    case .silu:
      forEachLane(rows * outputs, dy, x, into: dy) { dy, z in dy * siluSlope(z) }
    case .relu:
      forEachLane(rows * outputs, dy, x, into: dy) { dy, z in
        dy.replacing(with: 0, where: z .<= 0)
      }
    }
  }

  /// `dW += dy' x` and `db += sum of dy over the rows`.
  private func addParameterGradient(
    _ dy: UnsafePointer<Float>, _ x: UnsafePointer<Float>, rows: Int,
    to gradient: UnsafeMutablePointer<Float>
  ) {
    accumulateProduct(
      StridedMatrix(base: dy, row: 1, column: outputs), x,
      m: outputs, n: inputs, depth: rows, into: gradient + parameterOffset)
    let bias = gradient + biasOffset
    for row in 0..<rows {
      for output in 0..<outputs { bias[output] += dy[row &* outputs &+ output] }
    }
  }
}

/// The derivative of `z sigmoid(z)`.
@inline(__always)
private func siluSlope(_ z: Lanes) -> Lanes {
  let s = Lanes.sigmoid(z)
  return s * (1 + z * (1 - s))
}
