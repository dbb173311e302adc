/// Numbers with a shape: how parameters travel to and from a weight file.
package struct NamedTensor: Equatable, Sendable {
  /// The last dimension varies fastest.
  package var shape: [Int]
  package var values: [Float]

  package init(shape: [Int], values: [Float]) {
    self.shape = shape
    self.values = values
  }
}

/// A small feed-forward network: layers as values, and all parameters in one array.
///
/// One flat array makes optimisers, clipping, checkpoints and gradients plain loops. The layers say
/// where in it their weights are: each layer's weight `(outputs, inputs)`, then its bias.
package struct DenseNetwork: Equatable, Sendable {
  package let layers: [Layer]
  /// Applied to the inputs before the first layer. Not trained.
  package let standardisation: Standardisation?
  package internal(set) var parameters: [Float]
  /// The layers as the passes run them: one stage for each application of a block.
  let stages: [Stage]

  package var inputWidth: Int { layers.first?.inputWidth ?? 0 }
  package var outputWidth: Int { layers.last?.outputWidth ?? 0 }

  /// Draws weights and biases from `U(-1/sqrt(inputs), 1/sqrt(inputs))`, as PyTorch does by default.
  ///
  /// - Throws: `shape` or `setting` when the layers do not fit each other or the standardisation.
  package init(
    _ layers: [Layer], standardisation: Standardisation? = nil, seed: UInt64
  ) throws(LearningError) {
    try layers.validate()
    var parameters: [Float] = []
    parameters.reserveCapacity(layers.reduce(0) { $0 + $1.parameterCount })
    var random = SeededRandom(seed)
    for layer in layers {
      let bound = 1 / Float(layer.inputWidth).squareRoot()
      for _ in 0..<layer.parameterCount {
        parameters.append((2 * random.uniform() - 1) * bound)
      }
    }
    try self.init(layers, standardisation: standardisation, parameters: parameters)
  }

  /// Takes parameters by name, as `tensors` gives them.
  ///
  /// - Throws: `parameters` when one is missing, has the wrong shape, or is not finite.
  package init(_ layers: [Layer], tensors: [String: NamedTensor]) throws(LearningError) {
    try layers.validate()
    func take(_ name: String, _ shape: [Int]) throws(LearningError) -> [Float] {
      guard let tensor = tensors[name] else {
        throw LearningError(
          .parameters, at: name, "is missing", advice: "the file is of another network")
      }
      guard tensor.shape == shape, tensor.values.count == shape.reduce(1, *) else {
        throw LearningError(
          .parameters, at: name,
          "expected shape \(shape) and found \(tensor.shape) with \(tensor.values.count) values")
      }
      return tensor.values
    }
    var parameters: [Float] = []
    for (index, layer) in layers.enumerated() {
      guard let shape = layer.weightShape else { continue }
      parameters += try take("\(index).weight", shape)
      parameters += try take("\(index).bias", [shape[0]])
    }
    var standardisation: Standardisation?
    if tensors["input.mean"] != nil, let width = layers.first?.inputWidth {
      standardisation = try Standardisation(
        mean: take("input.mean", [width]), scale: take("input.scale", [width]))
    }
    try self.init(layers, standardisation: standardisation, parameters: parameters)
  }

  /// - Throws: `shape`, `setting` or `parameters` when the parts do not fit each other.
  init(
    _ layers: [Layer], standardisation: Standardisation?, parameters: [Float]
  ) throws(LearningError) {
    try layers.validate()
    let count = layers.reduce(0) { $0 + $1.parameterCount }
    guard parameters.count == count else {
      throw LearningError(
        .parameters, at: "network", "expected \(count) parameters and found \(parameters.count)")
    }
    if let bad = parameters.firstIndex(where: { !$0.isFinite }) {
      throw LearningError(.parameters, at: "parameter \(bad)", "is \(parameters[bad])")
    }
    if let standardisation, standardisation.mean.count != layers[0].inputWidth {
      throw LearningError(
        .shape, at: "standardisation",
        "is for \(standardisation.mean.count) inputs and the network has \(layers[0].inputWidth)")
    }
    self.layers = layers
    self.standardisation = standardisation
    self.parameters = parameters
    stages = Stage.stages(of: layers)
  }

  /// Every parameter by name: `0.weight`, `0.bias` and so on by layer, as an `nn.Sequential` has
  /// them, and `input.mean`, `input.scale` of the standardisation.
  package var tensors: [String: NamedTensor] {
    var tensors: [String: NamedTensor] = [:]
    var offset = 0
    for (index, layer) in layers.enumerated() {
      guard let shape = layer.weightShape else { continue }
      for (name, shape) in [("weight", shape), ("bias", [shape[0]])] {
        let count = shape.reduce(1, *)
        tensors["\(index).\(name)"] = NamedTensor(
          shape: shape, values: Array(parameters[offset..<offset + count]))
        offset += count
      }
    }
    if let standardisation {
      let shape = [standardisation.mean.count]
      tensors["input.mean"] = NamedTensor(shape: shape, values: standardisation.mean)
      tensors["input.scale"] = NamedTensor(shape: shape, values: standardisation.scale)
    }
    return tensors
  }
}

/// One step of a pass: a layer, or one application of a block, with its places in the flat arrays.
struct Stage: Equatable, Sendable {
  enum Operation: Equatable { case linear, residualBlock, silu, relu }

  var operation: Operation
  var inputs: Int
  var outputs: Int
  /// Of the weight in the parameters; the bias follows the weight.
  var parameterOffset: Int
  /// Of the stage's input in the activations of one row; its output follows at `outputOffset`.
  var inputOffset: Int
  /// Of a block's `W x + b`, which the backward pass needs, in the activations of one row.
  var preactivationOffset: Int
  var outputOffset: Int

  /// Where the bias begins.
  var biasOffset: Int { parameterOffset + inputs * outputs }

  static func stages(of layers: [Layer]) -> [Stage] {
    var stages: [Stage] = []
    var (parameterOffset, inputOffset) = (0, 0)
    for layer in layers {
      var applications = 1
      let operation: Operation
      switch layer {
      case .linear: operation = .linear
      case .residualBlock(_, let count): (operation, applications) = (.residualBlock, count)
      case .activation(.silu, _): operation = .silu
      case .activation(.relu, _): operation = .relu
      }
      for _ in 0..<applications {
        let preactivation = inputOffset + layer.inputWidth
        let output = preactivation + (operation == .residualBlock ? layer.outputWidth : 0)
        stages.append(
          Stage(
            operation: operation, inputs: layer.inputWidth, outputs: layer.outputWidth,
            parameterOffset: parameterOffset, inputOffset: inputOffset,
            preactivationOffset: preactivation, outputOffset: output))
        inputOffset = output
      }
      parameterOffset += layer.parameterCount
    }
    return stages
  }
}
