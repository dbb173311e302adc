extension LlamaConfiguration {
  /// The configuration that a GGUF file's keys describe.
  ///
  /// - Throws: `malformed` for keys that are missing or contradict each other, `unsupported` for an
  ///   architecture that needs more than this decoder does.
  package init(gguf file: WeightFile, _ header: GGUFHeader) throws(ModelError) {
    func unsupported(_ key: String, _ found: String) -> ModelError {
      ModelError(.unsupported, path: file.path, place: key, problem: "\(found) is not supported")
    }
    let architecture = try header.text("general.architecture")
    guard let type = ModelFamily.ggufArchitectures[architecture],
      let family = ModelFamily.known[type]
    else {
      let known = ModelFamily.ggufArchitectures.keys.sorted().joined(separator: ", ")
      throw unsupported("general.architecture", "\"\(architecture)\" (known: \(known))")
    }
    func key(_ name: String) -> String { "\(architecture).\(name)" }
    guard let embedding = file.tensor("model.embed_tokens.weight"), embedding.shape.count == 2
    else {
      throw ModelError(
        .malformed, path: file.path, place: "tensor token_embd.weight",
        problem: "is missing or no matrix")
    }
    let headCount = try header.integer(key("attention.head_count"))
    let hidden = try header.integer(key("embedding_length"))
    let headSize =
      try header.integer(optional: key("attention.key_length")) ?? hidden / max(headCount, 1)
    if let value = try header.integer(optional: key("attention.value_length")), value != headSize {
      throw unsupported(key("attention.value_length"), "\(value), not the keys' \(headSize),")
    }
    var ends: [Int] = []
    for name in ["eos_token_id", "eot_token_id", "eom_token_id"] {
      if let id = try header.integer(optional: "tokenizer.ggml.\(name)"), !ends.contains(id) {
        ends.append(id)
      }
    }
    self.init(
      vocabularySize: embedding.rows, hiddenSize: hidden,
      intermediateSize: try header.integer(key("feed_forward_length")),
      layerCount: try header.integer(key("block_count")), headCount: headCount,
      keyValueHeadCount: try header.integer(optional: key("attention.head_count_kv")) ?? headCount,
      headSize: headSize, contextLength: try header.integer(key("context_length")),
      normEpsilon: Float(
        try header.number(optional: key("attention.layer_norm_rms_epsilon")) ?? 1e-5),
      ropeTheta: Float(try header.number(optional: key("rope.freq_base")) ?? 10_000),
      tiedEmbeddings: file.tensor("lm_head.weight") == nil,
      attentionBias: file.tensor("model.layers.0.self_attn.q_proj.bias") != nil,
      endOfSequence: ends,
      beginningOfSequence: try header.integer(optional: "tokenizer.ggml.bos_token_id"))
    self.family = family
    attentionOutputBias = file.tensor("model.layers.0.self_attn.o_proj.bias") != nil
    rotarySize = try header.integer(optional: key("rope.dimension_count")) ?? headSize
    let window = try header.integer(optional: key("attention.sliding_window"))
    let pattern = try header.integer(optional: key("attention.sliding_window_pattern"))
    setWindow(
      window ?? (architecture == "gemma2" ? 4096 : 0), pattern: pattern,
      architecture == "llama" ? .always : family.windowing)
    if family.normalizesUpdates { try readGemma(header, architecture) }
    try readScaling(file, header, architecture)
    try validate(path: file.path)
  }

  private mutating func setWindow(
    _ size: Int, pattern: Int?, _ windowing: ModelFamily.Windowing
  ) {
    guard size > 0, size < contextLength, 0...1024 ~= layerCount,
      let layers = windowing.layers(layerCount, pattern: pattern)
    else { return }
    family.windowing = windowing
    slidingWindow = SlidingWindow(size: size, layers: layers)
  }

  /// What llama.cpp knows of Gemma 2 and 3 without being told (its `load_hparams`), and what it is.
  private mutating func readGemma(
    _ header: GGUFHeader, _ architecture: String
  ) throws(ModelError) {
    func cap(_ name: String, _ usual: Float) throws(ModelError) -> Float {
      try header.number(optional: "\(architecture).\(name)").map { Float($0) } ?? usual
    }
    let isSecond = architecture == "gemma2"
    scoreCap = try cap("attn_logit_softcapping", isSecond ? 50 : 0)
    logitCap = try cap("final_logit_softcapping", isSecond ? 30 : 0)
    if !isSecond, slidingWindow != nil {
      windowRopeTheta = Float(
        try header.number(optional: "\(architecture).rope.freq_base_swa") ?? 10_000)
    }
    // The 27 B models scale by the hidden size of a head, whatever the size of a query.
    if layerCount == (isSecond ? 46 : 62) {
      attentionScale = 1 / Float(hiddenSize / max(headCount, 1)).squareRoot()
    }
  }

  /// Takes over how rotations are scaled.
  private mutating func readScaling(
    _ file: WeightFile, _ header: GGUFHeader, _ architecture: String
  ) throws(ModelError) {
    func key(_ name: String) -> String { "\(architecture).rope.\(name)" }
    let factor = try header.number(optional: key("scaling.factor")) ?? 1
    let original =
      try header.integer(optional: key("scaling.original_context_length")) ?? contextLength
    let magnitude = try header.number(optional: key("scaling.attn_factor")) ?? 1
    guard factor > 0, factor.isFinite, magnitude > 0, magnitude.isFinite, 1...(1 << 24) ~= original
    else {
      throw ModelError(
        .malformed, path: file.path, place: key("scaling"),
        problem: "a factor of \(factor) from \(original) positions on, by \(magnitude)")
    }
    let long = try Self.divisors(file, "rope_factors_long.weight")
    let short = try Self.divisors(file, "rope_factors_short.weight")
    if let long, let short {
      ropeScaling = .longRope(short: short, long: long, original: original, magnitude: magnitude)
    } else if let divisors = try Self.divisors(file, "rope_freqs.weight") {
      // Llama 3.1's scaling, worked out for every pair.
      ropeScaling = .longRope(
        short: divisors, long: divisors, original: original, magnitude: magnitude)
    } else {
      switch try header.text(optional: key("scaling.type")) {
      case nil, "none": break
      case "linear": ropeScaling = .linear(factor: factor)
      case "yarn":
        ropeScaling = .yarn(
          RopeScaling.Yarn(
            factor: factor, original: original,
            betaFast: try header.number(optional: key("scaling.yarn_beta_fast")) ?? 32,
            betaSlow: try header.number(optional: key("scaling.yarn_beta_slow")) ?? 1,
            magnitude: magnitude * RopeScaling.Yarn.magnitude(factor, 1)))
      case let type?:
        throw ModelError(
          .unsupported, path: file.path, place: key("scaling.type"),
          problem: "\"\(type)\" is not supported")
      }
    }
  }

  /// What the frequencies of the pairs are divided by, if the file says so.
  private static func divisors(_ file: WeightFile, _ name: String) throws(ModelError) -> [Double]? {
    guard let tensor = file.tensor(name) else { return nil }
    guard tensor.dtype == .f32, tensor.shape.count == 1, tensor.elementCount <= 512 else {
      throw ModelError(
        .malformed, path: file.path, place: "tensor \(name)",
        problem: "\(tensor.dtype.rawValue) \(tensor.shape) cannot be factors of frequencies")
    }
    var values = [Float](repeating: 0, count: tensor.elementCount)
    try file.read(name) { rows in
      values.withUnsafeMutableBufferPointer { buffer in
        if let base = buffer.baseAddress { rows.copyFloats(to: base + rows.rows.lowerBound) }
      }
    }
    for value in values where !(value > 0 && value.isFinite) {
      throw ModelError(
        .malformed, path: file.path, place: "tensor \(name)", problem: "\(value) is no factor")
    }
    return values.map { Double($0) }
  }
}
