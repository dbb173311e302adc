import FoundationEssentials

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A Hugging Face `config.json`: the keys that change what a decoder computes.
struct ConfigurationFile: Codable {
  var model_type: String
  var vocab_size: Int
  var hidden_size: Int
  var intermediate_size: Int
  var num_hidden_layers: Int
  var num_attention_heads: Int
  var num_key_value_heads: Int?
  var head_dim: Int?
  var max_position_embeddings: Int
  var original_max_position_embeddings: Int?
  var rms_norm_eps: Float?
  var rope_theta: Float?
  var rope_local_base_freq: Float?
  var rope_scaling: RopeParameters?
  var rope_parameters: LayeredRopeParameters?
  var partial_rotary_factor: Double?
  var hidden_act: String?
  var hidden_activation: String?
  var tie_word_embeddings: Bool?
  var attention_bias: Bool?
  var mlp_bias: Bool?
  var sliding_window: Int?
  var use_sliding_window: Bool?
  var max_window_layers: Int?
  var sliding_window_pattern: Int?
  var layer_types: [String]?
  var query_pre_attn_scalar: Float?
  var attn_logit_softcapping: Float?
  var final_logit_softcapping: Float?
  var use_bidirectional_attention: Bool?
  var eos_token_id: TokenIDs?
  var bos_token_id: TokenIDs?

  struct RopeParameters: Codable {
    var rope_theta: Float?
    var rope_type: String?
    var type: String?
    var factor: Double?
    var original_max_position_embeddings: Int?
    var attention_factor: Double?
    var beta_fast: Double?
    var beta_slow: Double?
    var mscale: Double?
    var mscale_all_dim: Double?
    var truncate: Bool?
    var low_freq_factor: Double?
    var high_freq_factor: Double?
    var short_factor: [Double]?
    var long_factor: [Double]?
    var partial_rotary_factor: Double?
  }

  /// One set of parameters, or one for each kind of layer.
  struct LayeredRopeParameters: Codable {
    var full: RopeParameters
    var sliding: RopeParameters?

    private struct Layered: Codable {
      var full_attention: RopeParameters?
      var sliding_attention: RopeParameters?
    }

    init(from decoder: any Decoder) throws {
      let layered = try Layered(from: decoder)
      if let full = layered.full_attention {
        self.full = full
        sliding = layered.sliding_attention
      } else {
        full = try RopeParameters(from: decoder)
      }
    }

    func encode(to encoder: any Encoder) throws {
      try Layered(full_attention: full, sliding_attention: sliding).encode(to: encoder)
    }
  }
}

/// `eos_token_id` is a number in some files and a list in others.
struct TokenIDs: Codable {
  var values: [Int]

  init(values: [Int]) { self.values = values }

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let one = try? container.decode(Int.self) {
      values = [one]
    } else {
      values = try container.decode([Int].self)
    }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    if values.count == 1 { try container.encode(values[0]) } else { try container.encode(values) }
  }
}

extension LlamaConfiguration {
  /// Reads `config.json`.
  ///
  /// - Throws: `missing` or `inputOutput` when the file cannot be read, `malformed` for values that
  ///   contradict each other, `unsupported` for families that need more than this decoder does.
  package init(contentsOf path: String) throws(ModelError) {
    let file: ConfigurationFile = try JSONFile.decode(path)
    try self.init(file, path: path)
  }

  private init(_ file: ConfigurationFile, path: String) throws(ModelError) {
    func unsupported(_ key: String, _ found: String) -> ModelError {
      ModelError(.unsupported, path: path, place: key, problem: "\(found) is not supported")
    }
    guard var family = ModelFamily.known[file.model_type] else {
      let known = ModelFamily.known.keys.sorted().joined(separator: ", ")
      throw unsupported("model_type", "\"\(file.model_type)\" (known: \(known))")
    }
    if let name = file.hidden_activation ?? file.hidden_act {
      guard let activation = ModelFamily.Activation(named: name) else {
        throw unsupported("hidden_act", "\"\(name)\"")
      }
      family.activation = activation
    }
    if file.mlp_bias == true { throw unsupported("mlp_bias", "true") }
    if file.use_bidirectional_attention == true {
      throw unsupported("use_bidirectional_attention", "true")
    }
    let rope = file.rope_parameters?.full ?? file.rope_scaling
    self.init(
      vocabularySize: file.vocab_size, hiddenSize: file.hidden_size,
      intermediateSize: file.intermediate_size, layerCount: file.num_hidden_layers,
      headCount: file.num_attention_heads,
      keyValueHeadCount: file.num_key_value_heads ?? file.num_attention_heads,
      headSize: file.head_dim, contextLength: file.max_position_embeddings,
      normEpsilon: file.rms_norm_eps ?? 1e-6,
      ropeTheta: file.rope_theta ?? rope?.rope_theta ?? 10_000,
      tiedEmbeddings: file.tie_word_embeddings ?? family.tiesEmbeddings,
      attentionBias: file.attention_bias ?? family.attentionBias,
      endOfSequence: file.eos_token_id?.values ?? [],
      beginningOfSequence: file.bos_token_id?.values.first)
    self.family = family
    // Qwen2's own biases leave the output projection out.
    attentionOutputBias = file.attention_bias ?? false && !family.attentionBias
    scoreCap = file.attn_logit_softcapping ?? 0
    logitCap = file.final_logit_softcapping ?? 0
    windowRopeTheta =
      file.rope_parameters?.sliding?.rope_theta ?? file.rope_local_base_freq
    if let scalar = file.query_pre_attn_scalar, family.normalizesUpdates {
      attentionScale = 1 / scalar.squareRoot()
    }
    let part = file.partial_rotary_factor ?? rope?.partial_rotary_factor ?? 1
    guard part > 0, part <= 1 else {
      throw ModelError(
        .malformed, path: path, place: "partial_rotary_factor",
        problem: "expected more than 0 and at most 1, found \(part)")
    }
    // What is no size fails the check of all sizes below.
    rotarySize = Int(Double(min(max(headSize, -1), 1 << 20)) * part)
    slidingWindow = try Self.window(file, family, layerCount: layerCount, path: path)
    if let sliding = file.rope_parameters?.sliding,
      let type = sliding.rope_type ?? sliding.type, type != "default"
    {
      throw unsupported("rope_parameters.sliding_attention", "\"\(type)\"")
    }
    if let rope { try read(rope, of: file, path: path) }
    try validate(path: path)
  }

  /// The window, unless it covers the whole context anyway.
  private static func window(
    _ file: ConfigurationFile, _ family: ModelFamily, layerCount: Int, path: String
  ) throws(ModelError) -> SlidingWindow? {
    guard let size = file.sliding_window, size < file.max_position_embeddings,
      0...1024 ~= layerCount
    else { return nil }
    if let types = file.layer_types {
      for type in types where !["full_attention", "sliding_attention"].contains(type) {
        throw ModelError(
          .unsupported, path: path, place: "layer_types", problem: "\"\(type)\" is not supported")
      }
      let layers = types.map { $0 == "sliding_attention" }
      return layers.contains(true) ? SlidingWindow(size: size, layers: layers) : nil
    }
    let first = file.use_sliding_window ?? false ? file.max_window_layers ?? 0 : nil
    return family.windowing.layers(layerCount, pattern: file.sliding_window_pattern, from: first)
      .map { SlidingWindow(size: size, layers: $0) }
  }

  /// Takes over how rotations are scaled.
  private mutating func read(
    _ rope: ConfigurationFile.RopeParameters, of file: ConfigurationFile, path: String
  ) throws(ModelError) {
    func malformed(_ key: String, _ problem: String) -> ModelError {
      ModelError(.malformed, path: path, place: "rope_scaling.\(key)", problem: problem)
    }
    func positive(_ key: String, _ value: Double?) throws(ModelError) -> Double {
      guard let value, value > 0, value.isFinite else {
        throw malformed(
          key, "expected a positive number, found \(value.map { "\($0)" } ?? "none")")
      }
      return value
    }
    let stated = rope.original_max_position_embeddings ?? file.original_max_position_embeddings
    let original = stated ?? contextLength
    guard 1...(1 << 24) ~= original else {
      throw malformed("original_max_position_embeddings", "\(original) is not a possible length")
    }
    switch rope.rope_type ?? rope.type ?? "default" {
    case "default": break
    case "linear": ropeScaling = .linear(factor: try positive("factor", rope.factor))
    case "dynamic":
      let factor = try positive("factor", rope.factor)
      // Transformers scales from max_position_embeddings on, whatever the original is said to be.
      ropeScaling = .dynamic(factor: factor, original: contextLength)
      extendContext(to: Double(contextLength) * factor)
    case "yarn":
      let factor = try positive("factor", rope.factor ?? Double(contextLength) / Double(original))
      var magnitude = rope.attention_factor
      if magnitude == nil, let above = rope.mscale, let below = rope.mscale_all_dim,
        above != 0, below != 0
      {
        magnitude =
          RopeScaling.Yarn.magnitude(factor, above) / RopeScaling.Yarn.magnitude(factor, below)
      }
      ropeScaling = .yarn(
        RopeScaling.Yarn(
          factor: factor, original: original,
          betaFast: try positive("beta_fast", rope.beta_fast ?? 32),
          betaSlow: try positive("beta_slow", rope.beta_slow ?? 1),
          truncates: rope.truncate ?? true,
          magnitude: try magnitude.map { (value) throws(ModelError) in
            try positive("attention_factor", value)
          }))
      extendContext(to: Double(original) * factor)
    case "llama3":
      let low = try positive("low_freq_factor", rope.low_freq_factor)
      let high = try positive("high_freq_factor", rope.high_freq_factor)
      guard low < high else { throw malformed("high_freq_factor", "\(high) is not above \(low)") }
      ropeScaling = .llama3(
        factor: try positive("factor", rope.factor), low: low, high: high, original: original)
    case "eabf":
      _ = try positive("factor", rope.factor)
      ropeTheta = rope.rope_theta ?? RopeScaling.entropyAwareTheta
      ropeScaling = .entropyAware(original: original)
      extendContext(to: Double(original) * (rope.factor ?? 1))
    case "longrope", "su":
      for list in [rope.short_factor, rope.long_factor] {
        guard let list else { throw malformed("short_factor", "the two lists are needed") }
        for value in list { _ = try positive("short_factor and long_factor", value) }
      }
      let factor =
        stated == nil ? rope.factor ?? 1 : Double(contextLength) / Double(original)
      let magnitude =
        rope.attention_factor
        ?? (factor <= 1 ? 1 : (1 + log(factor) / log(Double(max(original, 2)))).squareRoot())
      ropeScaling = .longRope(
        short: rope.short_factor ?? [], long: rope.long_factor ?? [], original: original,
        magnitude: try positive("attention_factor", magnitude))
    case let type:
      throw ModelError(
        .unsupported, path: path, place: "rope_scaling", problem: "\"\(type)\" is not supported")
    }
  }

  private mutating func extendContext(to length: Double) {
    contextLength = max(contextLength, Int(min(length, Double(1 << 24))))
  }
}
