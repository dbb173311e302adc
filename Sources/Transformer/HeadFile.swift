package import Decoding
internal import FoundationEssentials
package import Learning

/// The trained heads of a pair, in one weight file: SpecDec++'s, and those of the cost-aware policy
/// with the starting point of its estimates.
package struct HeadFile: Sendable {
  package var specDecPlusPlus: DenseNetwork?
  package var heads: AcceptanceHeads?
  package var estimator: AcceptanceEstimator?
  /// How they were trained, for people.
  package var provenance: String

  package init(
    specDecPlusPlus: DenseNetwork? = nil, heads: AcceptanceHeads? = nil,
    estimator: AcceptanceEstimator? = nil, provenance: String = ""
  ) {
    self.specDecPlusPlus = specDecPlusPlus
    self.heads = heads
    self.estimator = estimator
    self.provenance = provenance
  }

  private enum Part: String, CaseIterable {
    case specDecPlusPlus = "specdec_plus_plus"
    case beforeDraw = "before_draw"
    case afterFeeding = "after_feeding"

    var prefix: String { rawValue + "." }
    var layersKey: String { rawValue + "_layers" }
  }
  private static let treeParts = ["before_draw_trees.", "after_feeding_trees."]
  private static let estimatorKey = "estimator"
  private static let provenanceKey = "provenance"

  /// - Parameter hiddenSize: the width of the draft's states, which the heads must take.
  /// - Throws: what the file throws; `malformed` for parts that do not fit each other, `mismatch`
  ///   when the heads are for another draft.
  package init(contentsOf path: String, hiddenSize: Int) throws(ModelError) {
    let archive = try TensorArchive(contentsOf: path)
    func network(_ part: Part) throws(ModelError) -> DenseNetwork? {
      guard let text = archive.metadata[part.layersKey] else { return nil }
      let layers: [Layer] = try Self.decode(text, path: path, key: part.layersKey)
      let network: DenseNetwork
      do throws(LearningError) {
        network = try DenseNetwork(layers, tensors: archive.part(part.prefix))
      } catch {
        throw ModelError(.malformed, path: path, place: part.rawValue, problem: error.description)
      }
      let outputs = part == .specDecPlusPlus ? 2 : 1
      guard network.outputWidth == outputs else {
        throw ModelError(
          .malformed, path: path, place: part.rawValue,
          problem: "expected \(outputs) outputs, found \(network.outputWidth)")
      }
      guard network.inputWidth == hiddenSize else {
        throw ModelError(
          .mismatch, path: path, place: part.rawValue,
          problem: "reads states of width \(network.inputWidth), the draft's have \(hiddenSize)",
          advice: "train heads for this draft with \"foretoken head\"")
      }
      return network
    }
    specDecPlusPlus = try network(.specDecPlusPlus)
    if let before = try network(.beforeDraw), let after = try network(.afterFeeding) {
      heads = AcceptanceHeads(
        beforeDraw: before, afterFeeding: after, trees: try Self.trees(archive, path: path))
    }
    if let text = archive.metadata[Self.estimatorKey] {
      estimator = try Self.decode(text, path: path, key: Self.estimatorKey)
    }
    provenance = archive.metadata[Self.provenanceKey] ?? ""
  }

  package func write(to path: String) throws(ModelError) {
    var archive = TensorArchive(metadata: [Self.provenanceKey: provenance])
    let networks: [(Part, DenseNetwork?)] = [
      (.specDecPlusPlus, specDecPlusPlus), (.beforeDraw, heads?.beforeDraw),
      (.afterFeeding, heads?.afterFeeding),
    ]
    for case (let part, let network?) in networks {
      archive.metadata[part.layersKey] = try Self.encode(network.layers, path: path)
      for (name, tensor) in network.tensors { archive.tensors[part.prefix + name] = tensor }
    }
    if let trees = heads?.trees {
      for (part, ensemble) in zip(Self.treeParts, [trees.beforeDraw, trees.afterFeeding]) {
        for (name, tensor) in ensemble.tensors { archive.tensors[part + name] = tensor }
      }
    }
    if let estimator {
      archive.metadata[Self.estimatorKey] = try Self.encode(estimator, path: path)
    }
    try archive.write(to: path)
  }

  /// - Throws: `malformed` for what are no trees, `mismatch` for trees over other evidence.
  private static func trees(
    _ archive: TensorArchive, path: String
  ) throws(ModelError) -> AcceptanceHeads.Trees? {
    guard archive.tensors.keys.contains(where: { $0.hasPrefix(treeParts[0]) }) else { return nil }
    var ensembles: [TreeEnsemble] = []
    let widths = [AcceptanceHeads.Evidence.beforeCount, AcceptanceHeads.Evidence.afterCount]
    for (part, width) in zip(treeParts, widths) {
      do throws(LearningError) {
        ensembles.append(try TreeEnsemble(tensors: archive.part(part)))
      } catch {
        throw ModelError(.malformed, path: path, place: part, problem: error.description)
      }
      let found = ensembles[ensembles.count - 1]
      guard found.denseWidth == width, found.sparseWidth == 0, found.outputWidth == 1 else {
        throw ModelError(
          .mismatch, path: path, place: part,
          problem: "reads \(found.denseWidth) features where this version has \(width)",
          advice: "collect samples and train again with \"foretoken head\"")
      }
    }
    return AcceptanceHeads.Trees(beforeDraw: ensembles[0], afterFeeding: ensembles[1])
  }

  private static func decode<Value: Decodable>(
    _ text: String, path: String, key: String
  ) throws(ModelError) -> Value {
    do {
      return try JSONDecoder().decode(Value.self, from: Data(text.utf8))
    } catch {
      throw ModelError(
        .malformed, path: path, place: "metadata \(key)", problem: "cannot be read: \(error)")
    }
  }

  private static func encode(_ value: some Encodable, path: String) throws(ModelError) -> String {
    do {
      let encoder = JSONEncoder()
      encoder.outputFormatting = .sortedKeys
      return String(decoding: try encoder.encode(value), as: UTF8.self)
    } catch {
      throw ModelError(.malformed, path: path, problem: "cannot be written: \(error)")
    }
  }
}
