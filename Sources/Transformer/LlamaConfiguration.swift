import FoundationEssentials

/// The shape of a Llama-family decoder, as a Hugging Face `config.json` states it.
package struct LlamaConfiguration: Equatable, Sendable {
  package var vocabularySize: Int
  package var hiddenSize: Int
  package var intermediateSize: Int
  package var layerCount: Int
  package var headCount: Int
  /// Heads that share a key and a value: `headCount / keyValueHeadCount` query heads each.
  package var keyValueHeadCount: Int
  package var headSize: Int
  package var contextLength: Int
  package var normEpsilon: Float
  package var ropeTheta: Float
  /// The output matrix is the embedding.
  package var tiedEmbeddings: Bool
  /// The q, k and v projections have a bias (Qwen2).
  package var attentionBias: Bool
  package var endOfSequence: [Int]
  package var beginningOfSequence: Int?

  /// Query heads per key/value head.
  package var groupSize: Int { headCount / keyValueHeadCount }
  package var querySize: Int { headCount * headSize }
  package var keyValueSize: Int { keyValueHeadCount * headSize }

  /// Weights, counting a tied output once.
  package var parameterCount: Int {
    let attention = hiddenSize * (2 * querySize + 2 * keyValueSize)
    let biases = attentionBias ? querySize + 2 * keyValueSize : 0
    let layer = attention + biases + 3 * hiddenSize * intermediateSize + 2 * hiddenSize
    let embeddings = vocabularySize * hiddenSize * (tiedEmbeddings ? 1 : 2)
    return layerCount * layer + embeddings + hiddenSize
  }

  package init(
    vocabularySize: Int, hiddenSize: Int, intermediateSize: Int, layerCount: Int, headCount: Int,
    keyValueHeadCount: Int, headSize: Int? = nil, contextLength: Int, normEpsilon: Float = 1e-5,
    ropeTheta: Float = 10_000, tiedEmbeddings: Bool = true, attentionBias: Bool = false,
    endOfSequence: [Int] = [], beginningOfSequence: Int? = nil
  ) {
    self.vocabularySize = vocabularySize
    self.hiddenSize = hiddenSize
    self.intermediateSize = intermediateSize
    self.layerCount = layerCount
    self.headCount = headCount
    self.keyValueHeadCount = keyValueHeadCount
    self.headSize = headSize ?? hiddenSize / max(headCount, 1)
    self.contextLength = contextLength
    self.normEpsilon = normEpsilon
    self.ropeTheta = ropeTheta
    self.tiedEmbeddings = tiedEmbeddings
    self.attentionBias = attentionBias
    self.endOfSequence = endOfSequence
    self.beginningOfSequence = beginningOfSequence
  }
}

extension LlamaConfiguration {
  /// Reads `config.json`.
  ///
  /// - Throws: `missing` or `inputOutput` when the file cannot be read, `malformed` for values that
  ///   contradict each other, `unsupported` for families that need more than this decoder does.
  package init(contentsOf path: String) throws(ModelError) {
    let raw: Raw = try JSONFile.decode(path)
    try self.init(raw, path: path)
  }

  private init(_ raw: Raw, path: String) throws(ModelError) {
    func unsupported(_ key: String, _ found: String) -> ModelError {
      ModelError(.unsupported, path: path, place: key, problem: "\(found) is not supported")
    }
    let families = ["llama", "mistral", "qwen2"]
    guard families.contains(raw.model_type) else {
      throw unsupported("model_type", "\"\(raw.model_type)\" (known: llama, mistral, qwen2)")
    }
    if let activation = raw.hidden_act, activation != "silu" {
      throw unsupported("hidden_act", "\"\(activation)\"")
    }
    if raw.mlp_bias == true { throw unsupported("mlp_bias", "true") }
    let scaling = raw.rope_scaling ?? raw.rope_parameters
    if let type = scaling?.rope_type ?? scaling?.type, type != "default" {
      throw unsupported("rope_scaling", "\"\(type)\"")
    }
    // Qwen2 writes a window that it does not use; Mistral's is used whenever it is there.
    if let window = raw.sliding_window, raw.use_sliding_window ?? (raw.model_type == "mistral"),
      window < raw.max_position_embeddings
    {
      throw unsupported("sliding_window", "\(window)")
    }
    self.init(
      vocabularySize: raw.vocab_size, hiddenSize: raw.hidden_size,
      intermediateSize: raw.intermediate_size, layerCount: raw.num_hidden_layers,
      headCount: raw.num_attention_heads,
      keyValueHeadCount: raw.num_key_value_heads ?? raw.num_attention_heads,
      headSize: raw.head_dim, contextLength: raw.max_position_embeddings,
      normEpsilon: raw.rms_norm_eps ?? 1e-6,
      ropeTheta: raw.rope_theta ?? raw.rope_parameters?.rope_theta ?? 10_000,
      tiedEmbeddings: raw.tie_word_embeddings ?? false,
      attentionBias: raw.attention_bias ?? (raw.model_type == "qwen2"),
      endOfSequence: raw.eos_token_id?.values ?? [],
      beginningOfSequence: raw.bos_token_id?.values.first)
    try validate(path: path)
  }

  /// Bounds every size before anything is allocated from it.
  private func validate(path: String) throws(ModelError) {
    let sizes: [(String, Int, ClosedRange<Int>)] = [
      ("vocab_size", vocabularySize, 1...(1 << 22)),
      ("hidden_size", hiddenSize, 1...(1 << 16)),
      ("intermediate_size", intermediateSize, 1...(1 << 18)),
      ("num_hidden_layers", layerCount, 1...1024),
      ("num_attention_heads", headCount, 1...1024),
      ("num_key_value_heads", keyValueHeadCount, 1...1024),
      ("head_dim", headSize, 2...1024),
      ("max_position_embeddings", contextLength, 1...(1 << 24)),
    ]
    for (key, value, range) in sizes where !range.contains(value) {
      throw ModelError(
        .malformed, path: path, place: key,
        problem: "expected \(range.lowerBound) to \(range.upperBound), found \(value)")
    }
    guard headCount % keyValueHeadCount == 0 else {
      throw ModelError(
        .malformed, path: path, place: "num_key_value_heads",
        problem: "\(keyValueHeadCount) does not divide the \(headCount) attention heads")
    }
    guard headSize % 2 == 0 else {
      throw ModelError(
        .malformed, path: path, place: "head_dim",
        problem: "expected an even size, found \(headSize)")
    }
    guard normEpsilon > 0, normEpsilon < 1, ropeTheta > 0, ropeTheta.isFinite else {
      throw ModelError(
        .malformed, path: path,
        problem:
          "rms_norm_eps and rope_theta must be positive, found \(normEpsilon) and \(ropeTheta)")
    }
    for id in endOfSequence where !(0..<vocabularySize).contains(id) {
      throw ModelError(
        .malformed, path: path, place: "eos_token_id",
        problem: "expected less than vocab_size \(vocabularySize), found \(id)")
    }
  }

  /// The keys as they stand in the file.
  private struct Raw: Decodable {
    var model_type: String
    var vocab_size: Int
    var hidden_size: Int
    var intermediate_size: Int
    var num_hidden_layers: Int
    var num_attention_heads: Int
    var num_key_value_heads: Int?
    var head_dim: Int?
    var max_position_embeddings: Int
    var rms_norm_eps: Float?
    var rope_theta: Float?
    var rope_scaling: RopeParameters?
    var rope_parameters: RopeParameters?
    var hidden_act: String?
    var tie_word_embeddings: Bool?
    var attention_bias: Bool?
    var mlp_bias: Bool?
    var sliding_window: Int?
    var use_sliding_window: Bool?
    var eos_token_id: TokenIDs?
    var bos_token_id: TokenIDs?
  }

  private struct RopeParameters: Decodable {
    var rope_theta: Float?
    var rope_type: String?
    var type: String?
  }
}

/// `eos_token_id` is a number in some files and a list in others.
struct TokenIDs: Decodable {
  var values: [Int]

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let one = try? container.decode(Int.self) {
      values = [one]
    } else {
      values = try container.decode([Int].self)
    }
  }
}
