extension [String: NamedTensor] {
  /// Those whose names begin with `prefix`, without it.
  package func under(_ prefix: String) -> [String: NamedTensor] {
    var own: [String: NamedTensor] = [:]
    for (name, tensor) in self where name.hasPrefix(prefix) {
      own[String(name.dropFirst(prefix.count))] = tensor
    }
    return own
  }

  /// The values of one array.
  ///
  /// - Throws: `parameters` when it is missing or does not have `count` finite numbers.
  package func vector(_ name: String, _ count: Int) throws(LearningError) -> [Float] {
    guard let tensor = self[name], tensor.values.count == count,
      tensor.values.allSatisfy(\.isFinite)
    else {
      throw LearningError(
        .parameters, at: name, "is missing or does not have \(count) finite numbers")
    }
    return tensor.values
  }

  /// What `NAME.mean` and `NAME.scale` say.
  ///
  /// - Throws: as `vector` and `Standardisation` do.
  package func standardisation(
    _ name: String, _ count: Int
  ) throws(LearningError) -> Standardisation {
    try Standardisation(
      mean: vector("\(name).mean", count), scale: vector("\(name).scale", count))
  }

  /// Networks whose arrays are called `network.0.` and so on.
  ///
  /// - Throws: `parameters` when one does not fit its layers, or has other inputs and outputs.
  package func networks(
    _ layers: [[Layer]], inputs: Int, outputs: Int
  ) throws(LearningError) -> [DenseNetwork] {
    var networks: [DenseNetwork] = []
    for (index, layers) in layers.enumerated() {
      let network = try DenseNetwork(layers, tensors: under("network.\(index)."))
      guard network.inputWidth == inputs, network.outputWidth == outputs else {
        throw LearningError(
          .parameters, at: "network \(index)",
          "\(network.inputWidth) inputs and \(network.outputWidth) outputs, expected \(inputs) and "
            + "\(outputs)")
      }
      networks.append(network)
    }
    return networks
  }
}
