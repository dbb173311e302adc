package import Decoding
internal import FoundationEssentials

/// One folder is one model: `config.json`, `tokenizer.json`, `tokenizer_config.json`,
/// `generation_config.json` and `model.safetensors.zst` (or a plain `model.safetensors`).
package struct ModelDirectory: Sendable {
  package let path: String
  package let configuration: LlamaConfiguration
  package let tokenizer: Tokenizer
  /// How a conversation is written; or why it cannot be, which is no error for text as it is.
  package let chatTemplate: Result<ChatTemplate, ModelError>
  /// Tokens that end an answer.
  package let endOfSequence: Set<TokenID>
  /// The file that has the weights.
  package let weightFile: String

  /// Reads everything but the weights.
  ///
  /// - Throws: `missing` for the folder or a file of it, `malformed` and `unsupported` as the files
  ///   themselves do.
  package init(path: String) throws(ModelError) {
    guard JSONFile.exists(path) else {
      throw ModelError(
        .missing, path: path, problem: "there is no such folder",
        advice: "name a folder with config.json, tokenizer.json and weights")
    }
    self.path = path
    configuration = try LlamaConfiguration(contentsOf: path + "/config.json")
    tokenizer = try Tokenizer(contentsOf: path + "/tokenizer.json")
    guard tokenizer.vocabularySize <= configuration.vocabularySize else {
      throw ModelError(
        .mismatch, path: path + "/tokenizer.json",
        problem:
          "has \(tokenizer.vocabularySize) tokens, the model only \(configuration.vocabularySize)")
    }
    chatTemplate = Result { () throws(ModelError) in
      guard let template = try ChatTemplate(directory: path) else {
        throw ModelError(
          .unsupported, path: path, place: "chat_template",
          problem: "the model has no chat format", advice: "give it text as it is, with --raw")
      }
      return template
    }
    var ends = configuration.endOfSequence
    let generation = path + "/generation_config.json"
    if JSONFile.exists(generation) {
      let decoded: GenerationConfiguration = try JSONFile.decode(generation)
      if let values = decoded.eos_token_id?.values { ends = values }
    }
    endOfSequence = Set(ends.map { TokenID(clamping: $0) })
    let candidates = ["model.safetensors.zst", "model.safetensors"].map { "\(path)/\($0)" }
    guard let weightFile = candidates.first(where: JSONFile.exists) else {
      throw ModelError(
        .missing, path: path,
        problem: "there is neither model.safetensors.zst nor model.safetensors",
        advice: "put the weights there, or pack them with \"foretoken weights pack\"")
    }
    self.weightFile = weightFile
  }

  /// Loads the weights on as many threads as the team has.
  package func loadModel(
    type: WeightType? = nil, team: WorkerTeam,
    progress: (@Sendable (_ done: Int, _ total: Int) -> Void)? = nil
  ) throws(ModelError) -> TransformerModel {
    let weights = try LlamaWeights(
      WeightFile(path: weightFile), configuration: configuration, type: type, threads: team.size,
      progress: progress)
    return try TransformerModel(weights: weights, team: team)
  }

  private struct GenerationConfiguration: Decodable {
    var eos_token_id: TokenIDs?
  }
}
