package import Decoding
internal import FoundationEssentials

/// One folder is one model: `config.json`, `tokenizer.json`, `tokenizer_config.json`,
/// `generation_config.json` and the weights: `model.safetensors.zst`, a plain `model.safetensors`, or
/// shards with their `model.safetensors.index.json`; or a GGUF file has all of it.
package struct ModelDirectory: Sendable {
  package let path: String
  package private(set) var configuration: LlamaConfiguration
  package let tokenizer: Tokenizer
  /// How a conversation is written; or why it cannot be, which is no error for text as it is.
  package private(set) var chatTemplate: Result<ChatTemplate, ModelError>
  /// Tokens that end an answer.
  package let endOfSequence: Set<TokenID>
  /// The weights, of which only the headers have been read.
  package let checkpoint: Checkpoint

  /// Reads everything but the weights.
  ///
  /// - Parameter path: a folder of a model, a GGUF file, or a folder with one GGUF file.
  /// - Throws: `missing` for the folder or a file of it, `malformed` and `unsupported` as the files
  ///   themselves do.
  package init(path: String) throws(ModelError) {
    guard JSONFile.exists(path) else {
      throw ModelError(
        .missing, path: path.isEmpty ? "\"\"" : path, problem: "there is no such folder or file",
        advice: "name a folder with config.json, tokenizer.json and weights, or a GGUF file")
    }
    let checkpoint = try Checkpoint(path: path)
    if let file = checkpoint.files.first, let header = file.gguf {
      try self.init(checkpoint, gguf: header, of: file)
    } else if JSONFile.isFolder(path) {
      try Self.requireDescription(path)
      try self.init(checkpoint, folder: path)
    } else {
      throw ModelError(
        .missing, path: path, problem: "holds weights, which are not all of a model",
        advice: "name the folder that it is in, with config.json and tokenizer.json")
    }
    guard tokenizer.vocabularySize <= configuration.vocabularySize else {
      throw ModelError(
        .mismatch, path: path, place: "tokenizer",
        problem:
          "has \(tokenizer.vocabularySize) tokens, the model only \(configuration.vocabularySize)")
    }
  }

  /// - Throws: `missing` for a folder without `config.json` or `tokenizer.json`, with what to do.
  private static func requireDescription(_ folder: String) throws(ModelError) {
    for name in ["config.json", "tokenizer.json"] where !JSONFile.exists("\(folder)/\(name)") {
      var advice = "a model's folder has config.json, tokenizer.json and the weights"
      if name == "tokenizer.json", JSONFile.exists("\(folder)/tokenizer.model") {
        advice =
          "tokenizer.model is not read; transformers writes a tokenizer.json: "
          + "AutoTokenizer.from_pretrained(folder).save_pretrained(folder)"
      }
      throw ModelError(
        .missing, path: "\(folder)/\(name)", problem: "there is no such file", advice: advice)
    }
  }

  private init(_ checkpoint: Checkpoint, folder: String) throws(ModelError) {
    path = folder
    self.checkpoint = checkpoint
    configuration = try LlamaConfiguration(contentsOf: path + "/config.json")
    tokenizer = try Tokenizer(contentsOf: path + "/tokenizer.json")
    chatTemplate = Result { () throws(ModelError) in
      guard let template = try ChatTemplate(directory: folder) else {
        throw Self.noTemplate(folder)
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
  }

  private init(
    _ checkpoint: Checkpoint, gguf header: GGUFHeader, of file: WeightFile
  ) throws(ModelError) {
    path = file.path
    self.checkpoint = checkpoint
    let configuration = try LlamaConfiguration(gguf: file, header)
    let tokenizer = try Tokenizer(gguf: header)
    self.configuration = configuration
    self.tokenizer = tokenizer
    chatTemplate = Result { () throws(ModelError) in
      guard let template = try header.text(optional: "tokenizer.chat_template") else {
        throw Self.noTemplate(file.path)
      }
      return try ChatTemplate(
        template: template, begin: tokenizer.text(of: configuration.beginningOfSequence),
        end: tokenizer.text(of: configuration.endOfSequence.first), path: file.path)
    }
    endOfSequence = Set(configuration.endOfSequence.map { TokenID(clamping: $0) })
  }

  private static func noTemplate(_ path: String) -> ModelError {
    ModelError(
      .unsupported, path: path, place: "chat_template", problem: "the model has no chat format",
      advice: "name one with --chat-template, or give it text as it is, with --raw")
  }

  /// Writes conversations in the format of that name, whatever the model says of itself.
  ///
  /// - Throws: `unsupported` for a name of none.
  package mutating func useChatFormat(_ name: String) throws(ModelError) {
    var begin = tokenizer.text(of: configuration.beginningOfSequence)
    var end = tokenizer.text(of: configuration.endOfSequence.first)
    let file = path + "/tokenizer_config.json"
    if JSONFile.exists(file) {
      let stated: TokenizerConfiguration = try JSONFile.decode(file)
      begin = stated.bos_token?.content ?? ""
      end = stated.eos_token?.content ?? end
    }
    chatTemplate = .success(
      try ChatTemplate(named: name, begin: begin, end: end, path: path))
  }

  /// Lets text go on past the context: tokens see its beginning and the last `window` positions.
  ///
  /// - Throws: `unsupported` where the context has no room for a window, or rotations depend on how
  ///   long a text is.
  package mutating func stream(window: Int) throws(ModelError) {
    if case .dynamic = configuration.ropeScaling {
      throw ModelError(
        .unsupported, path: path, place: "rope_scaling",
        problem: "dynamic rotations cannot go with a window of attention")
    }
    guard
      let streaming = StreamingAttention(
        window: window, contextLength: configuration.contextLength)
    else {
      throw ModelError(
        .unsupported, path: path, place: "max_position_embeddings",
        problem: "a window of \(window) positions in a context of \(configuration.contextLength)",
        advice: "both must be at least \(2 * KeyValueCache.blockLength)")
    }
    configuration.streaming = streaming
  }

  /// Loads the weights on as many threads as the team has.
  package func loadModel(
    type: WeightType? = nil, team: WorkerTeam,
    progress: (@Sendable (_ done: Int, _ total: Int) -> Void)? = nil
  ) throws(ModelError) -> TransformerModel {
    let weights = try LlamaWeights(
      checkpoint, configuration: configuration, type: type, threads: team.size, progress: progress)
    return try TransformerModel(weights: weights, team: team)
  }

  private struct GenerationConfiguration: Decodable {
    var eos_token_id: TokenIDs?
  }
}

extension Tokenizer {
  /// What a token stands for; empty for none.
  fileprivate func text(of id: Int?) -> String {
    id.map { String(decoding: bytes(of: TokenID(clamping: $0)), as: UTF8.self) } ?? ""
  }
}
