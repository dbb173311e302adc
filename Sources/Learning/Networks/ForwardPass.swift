/// Scratch memory of forward and backward passes over at most `rows` rows, reused by every pass.
///
/// Keep one for each thread. A pass allocates nothing.
package struct NetworkWorkspace: Sendable {
  package let rows: Int
  /// For each stage its input, and for each block its preactivation: `(rows, width)` one after the
  /// other, then the outputs of the last stage.
  var activations: [Float]
  /// Two buffers of `(rows, widest layer)`: the gradient and what a stage makes of it.
  var gradients: [Float]

  package init(for network: DenseNetwork, rows: Int = 1) {
    self.rows = rows
    let last = network.stages.last
    activations = Array(
      repeating: 0, count: rows * ((last?.outputOffset ?? 0) + (last?.outputs ?? 0)))
    let widest = network.layers.map { max($0.inputWidth, $0.outputWidth) }.max() ?? 0
    gradients = rows > 1 ? Array(repeating: 0, count: 2 * rows * widest) : []
  }
}

extension DenseNetwork {
  /// Computes `(rows, outputWidth)` outputs for `(rows, inputWidth)` inputs.
  ///
  /// A row's outputs are the same bits whatever the other rows are. Nothing is allocated.
  ///
  /// - Parameters:
  ///   - inputs: At least `rows * inputWidth` numbers.
  ///   - outputs: At least `rows * outputWidth` numbers; the first ones are overwritten.
  ///   - workspace: Made for this network, for at least one row; more rows are taken in turns.
  package func predict(
    _ inputs: Span<Float>, rows: Int = 1, into outputs: inout [Float],
    workspace: inout NetworkWorkspace
  ) {
    precondition(inputs.count >= rows * inputWidth, "the network takes \(inputWidth) inputs a row")
    precondition(
      outputs.count >= rows * outputWidth, "the network has \(outputWidth) outputs a row")
    inputs.withUnsafeBufferPointer { inputs in
      outputs.withUnsafeMutableBufferPointer { outputs in
        guard let inputs = inputs.baseAddress, let outputs = outputs.baseAddress else { return }
        var first = 0
        while first < rows {
          let count = min(workspace.rows, rows - first)
          forward(rows: count, in: &workspace) { row, destination in
            destination.update(from: inputs + (first + row) * inputWidth, count: inputWidth)
          } finish: { result in
            (outputs + first * outputWidth).update(from: result, count: count * outputWidth)
          }
          first += count
        }
      }
    }
  }

  /// The outputs of one row. Allocates: for tests and for places that are not hot.
  package func predict(_ input: [Float]) -> [Float] {
    var workspace = NetworkWorkspace(for: self)
    var outputs = [Float](repeating: 0, count: outputWidth)
    predict(input.span, into: &outputs, workspace: &workspace)
    return outputs
  }

  /// Runs the stages over `rows` rows that `load` writes, and hands the outputs to `finish`.
  @inline(__always)
  func forward(
    rows: Int, in workspace: inout NetworkWorkspace,
    load: (_ row: Int, _ destination: UnsafeMutablePointer<Float>) -> Void,
    finish: (_ outputs: UnsafePointer<Float>) -> Void
  ) {
    let capacity = workspace.rows
    workspace.activations.withUnsafeMutableBufferPointer { activations in
      parameters.withUnsafeBufferPointer { parameters in
        guard let base = activations.baseAddress, let weights = parameters.baseAddress else {
          return
        }
        for row in 0..<rows { load(row, base + row * inputWidth) }
        if let standardisation { standardisation.apply(base, rows: rows) }
        for stage in stages { stage.forward(base, capacity: capacity, rows: rows, weights) }
        finish(base + (stages.last?.outputOffset ?? 0) * capacity)
      }
    }
  }
}

extension Standardisation {
  /// `x = (x - mean) * scale`, in place.
  func apply(_ x: UnsafeMutablePointer<Float>, rows: Int) {
    let width = mean.count
    mean.withUnsafeBufferPointer { mean in
      scale.withUnsafeBufferPointer { scale in
        for row in 0..<rows {
          for column in 0..<width {
            x[row &* width &+ column] = (x[row &* width &+ column] - mean[column]) * scale[column]
          }
        }
      }
    }
  }
}

extension Stage {
  func forward(
    _ activations: UnsafeMutablePointer<Float>, capacity: Int, rows: Int,
    _ parameters: UnsafePointer<Float>
  ) {
    let x = activations + inputOffset * capacity
    let y = activations + outputOffset * capacity
    switch operation {
    case .linear:
      affine(
        x, rows: rows, inputs: inputs, weight: parameters + parameterOffset,
        bias: parameters + biasOffset, outputs: outputs, into: y)
    case .residualBlock:
      let z = activations + preactivationOffset * capacity
      affine(
        x, rows: rows, inputs: inputs, weight: parameters + parameterOffset,
        bias: parameters + biasOffset, outputs: outputs, into: z)
      forEachLane(rows * outputs, z, x, into: y) { z, x in x + z * Lanes.sigmoid(z) }
    case .silu:
      forEachLane(rows * outputs, x, x, into: y) { z, _ in z * Lanes.sigmoid(z) }
    case .relu:
      forEachLane(rows * outputs, x, x, into: y) { z, _ in
        z.replacing(with: 0, where: z .< 0)
      }
    }
  }
}

/// `y[i] = body(a[i], b[i])`, eight at a time; the last few go through a vector filled with zeros.
@inline(__always)
func forEachLane(
  _ count: Int, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
  into y: UnsafeMutablePointer<Float>, _ body: (Lanes, Lanes) -> Lanes
) {
  var i = 0
  while i &+ 8 <= count {
    y.store(body(a.lanes(i), b.lanes(i)), at: i)
    i &+= 8
  }
  guard i < count else { return }
  var (tailA, tailB) = (Lanes(), Lanes())
  for lane in i..<count { (tailA[lane - i], tailB[lane - i]) = (a[lane], b[lane]) }
  let tail = body(tailA, tailB)
  for lane in i..<count { y[lane] = tail[lane - i] }
}
