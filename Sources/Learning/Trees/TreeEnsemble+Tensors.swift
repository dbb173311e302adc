extension TreeEnsemble {
  /// Everything by name, as float tensors: node numbers are exact below 2^24.
  package var tensors: [String: NamedTensor] {
    func tensor(_ values: [Float]) -> NamedTensor {
      NamedTensor(shape: [values.count], values: values)
    }
    return [
      "widths": tensor([Float(denseWidth), Float(sparseWidth)]),
      "base": tensor(base),
      "roots": tensor(roots.map { Float($0) }),
      "nodes.feature": tensor(nodes.map { Float($0.feature) }),
      "nodes.threshold": tensor(nodes.map(\.threshold)),
      "nodes.left": tensor(nodes.map { Float($0.left) }),
    ]
  }

  /// - Throws: `parameters` when a tensor is missing, or they are no trees.
  package init(tensors: [String: NamedTensor]) throws(LearningError) {
    func values(_ name: String) throws(LearningError) -> [Float] {
      guard let tensor = tensors[name] else {
        throw LearningError(.parameters, at: name, "is missing", advice: "the file has no trees")
      }
      return tensor.values
    }
    func integers(_ name: String) throws(LearningError) -> [Int32] {
      let floats = try values(name)
      let integers = floats.compactMap { Int32(exactly: $0) }
      guard integers.count == floats.count else {
        throw LearningError(.parameters, at: name, "has a number that is not whole")
      }
      return integers
    }
    let widths = try integers("widths")
    let features = try integers("nodes.feature")
    let thresholds = try values("nodes.threshold")
    let left = try integers("nodes.left")
    guard widths.count == 2, widths.allSatisfy({ (0...(1 << 24)).contains($0) }),
      features.count == thresholds.count, left.count == thresholds.count
    else {
      throw LearningError(
        .parameters, at: "tree ensemble",
        "\(widths.count) widths, \(features.count) features, \(thresholds.count) thresholds and "
          + "\(left.count) children do not fit each other")
    }
    try self.init(
      denseWidth: Int(widths[0]), sparseWidth: Int(widths[1]), base: values("base"),
      nodes: features.indices.map {
        TreeNode(feature: features[$0], threshold: thresholds[$0], left: left[$0])
      }, roots: integers("roots"))
  }
}
