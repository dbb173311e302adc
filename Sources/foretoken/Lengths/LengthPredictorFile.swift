import FoundationEssentials
import Learning
import Transformer
import Workload

/// A trained predictor in a weight file: arrays by name, the rest as JSON in its metadata.
enum LengthPredictorFile {
  private static let key = "length_predictor"
  private static let provenanceKey = "provenance"

  static func write(
    _ model: PromptLengthModel, to path: String, provenance: String
  ) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let description = String(decoding: try encoder.encode(model.description), as: UTF8.self)
    let archive = TensorArchive(
      tensors: model.tensors, metadata: [key: description, provenanceKey: provenance])
    try archive.write(to: path)
  }

  static func read(_ path: String) throws -> PromptLengthModel {
    let archive = try TensorArchive(contentsOf: path)
    guard let text = archive.metadata[key] else {
      throw ModelError(
        .malformed, path: path, problem: "holds no length predictor",
        advice: "make one with \"foretoken lengths train\"")
    }
    do {
      let description = try JSONDecoder().decode(
        PromptLengthModel.Description.self, from: Data(text.utf8))
      return try PromptLengthModel(description, tensors: archive.tensors)
    } catch {
      throw ModelError(.malformed, path: path, place: "metadata \(key)", problem: "\(error)")
    }
  }
}
