/// A pointwise nonlinearity.
package enum Activation: String, Codable, Hashable, Sendable {
  /// `x sigmoid(x)`.
  case silu
  /// `max(x, 0)`.
  case relu
}

/// One layer of a `DenseNetwork`: a value that says what it computes and how wide it is.
package enum Layer: Codable, Hashable, Sendable {
  /// `W x + b`; `W` is `(outputs, inputs)`, as in PyTorch.
  case linear(inputs: Int, outputs: Int)
  /// `x + SiLU(W x + b)`, applied `applications` times with the same `W` and `b`.
  ///
  /// SpecDec++ (arXiv 2405.19715) builds its head with `[ResBlock(d)] * D`, which repeats one object:
  /// its D blocks share their weights.
  case residualBlock(width: Int, applications: Int = 1)
  /// A nonlinearity on every element.
  case activation(Activation, width: Int)

  package var inputWidth: Int {
    switch self {
    case .linear(let inputs, _): inputs
    case .residualBlock(let width, _), .activation(_, let width): width
    }
  }

  package var outputWidth: Int {
    switch self {
    case .linear(_, let outputs): outputs
    case .residualBlock(let width, _), .activation(_, let width): width
    }
  }

  /// The shape of the weight, for a layer that has one; its bias is as long as the first dimension.
  package var weightShape: [Int]? {
    switch self {
    case .linear(let inputs, let outputs): [outputs, inputs]
    case .residualBlock(let width, _): [width, width]
    case .activation: nil
    }
  }

  /// Weights and biases.
  package var parameterCount: Int {
    weightShape.map { $0[0] * $0[1] + $0[0] } ?? 0
  }
}

extension [Layer] {
  /// The widest layer, or the most applications of a block, that is believed.
  private static var limit: Int { 1 << 20 }

  /// Linear layers of the given widths with an activation between them: `[8, 64, 1]` has one hidden
  /// layer of 64.
  package static func multilayer(_ widths: [Int], activation: Activation = .silu) -> [Layer] {
    var layers: [Layer] = []
    for (inputs, outputs) in zip(widths, widths.dropFirst()) {
      if let last = layers.last { layers.append(.activation(activation, width: last.outputWidth)) }
      layers.append(.linear(inputs: inputs, outputs: outputs))
    }
    return layers
  }

  /// The head of SpecDec++: `depth` applications of one residual block, then two logits, of which
  /// the second says "accepted".
  package static func specDecPlusPlusHead(width: Int, depth: Int = 3) -> [Layer] {
    let output = Layer.linear(inputs: width, outputs: 2)
    return depth > 0 ? [.residualBlock(width: width, applications: depth), output] : [output]
  }

  /// - Throws: `shape` when a layer does not take what the one before it gives, `setting` when a width
  ///   is not in `1 ... 2^20`.
  func validate() throws(LearningError) {
    guard !isEmpty else { throw LearningError(.setting, at: "network", "has no layer") }
    for (index, layer) in enumerated() {
      var sizes = [layer.inputWidth, layer.outputWidth]
      if case .residualBlock(_, let applications) = layer { sizes.append(applications) }
      if let bad = sizes.first(where: { !(1...Self.limit).contains($0) }) {
        throw LearningError(
          .setting, at: "layer \(index)", "a width or count of \(bad) is not in 1...\(Self.limit)")
      }
      if index > 0, self[index - 1].outputWidth != layer.inputWidth {
        throw LearningError(
          .shape, at: "layer \(index)",
          "takes \(layer.inputWidth) values and layer \(index - 1) gives "
            + "\(self[index - 1].outputWidth)")
      }
    }
  }
}
