internal import Decoding
internal import FoundationEssentials

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Makes a Foretoken folder (packed weights, `config.json`, `tokenizer.json` and the files beside them)
/// of a Hugging Face folder or a GGUF file.
///
/// Weights stream through in chunks: memory does not grow with them. They go to a file without a name,
/// and the folder around them is made beside its place in the end and renamed: nobody sees half of it,
/// and nothing is left of a conversion that was stopped or killed.
package struct ModelConversion: Sendable {
  private let source: ModelDirectory

  package init(_ source: ModelDirectory) { self.source = source }

  /// Files that are copied as they are.
  private static let companions = [
    "config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json",
    "special_tokens_map.json", "chat_template.jinja",
  ]

  /// Writes the folder.
  ///
  /// - Parameters:
  ///   - dtype: what floats become; nil keeps them, and makes F16 of quantised blocks.
  ///   - isCancelled: is asked again and again; when it says so, what was written goes away.
  /// - Throws: `inputOutput` or `missing` for a place that cannot be written to, `cancelled`, and what
  ///   reading the source throws.
  package func write(
    to folder: String, as dtype: TensorDType? = nil, threads: Int,
    isCancelled: @escaping @Sendable () -> Bool = { false },
    progress: WeightFileWriter.Progress? = nil
  ) throws(ModelError) {
    var target = folder
    while target.count > 1, target.hasSuffix("/") { target.removeLast() }
    let weights = try OutputFile(path: target)
    var writer = try WeightFileWriter(
      source.checkpoint.files.flatMap { file in
        file.tensors.indices.compactMap { index in
          Self.isWeight(file.tensors[index].name) || file.gguf == nil
            ? TensorSource(
              file, at: index,
              as: dtype ?? (file.isQuantised(file.tensors[index].name) ? .f16 : nil)) : nil
        }
      }, metadata: source.checkpoint.files.first?.metadata ?? [:])
    writer.isCancelled = isCancelled
    try writer.writePacked(into: weights, threads: threads, progress: progress)
    let partial = "\(target).\(UInt32.random(in: 0...UInt32.max)).partial"
    guard mkdir(partial, 0o777) == 0 else {
      throw ModelError(
        .inputOutput, path: target, problem: "cannot be created: \(systemMessage(errno))")
    }
    defer { try? FileManager.default.removeItem(atPath: partial) }
    if let header = source.checkpoint.files.first?.gguf {
      try writeDescription(of: header, to: partial)
    } else {
      try copyDescription(to: partial)
    }
    try weights.complete(as: "\(partial)/\(Checkpoint.packedName)")
    guard rename(partial, target) == 0 else {
      throw ModelError(
        .inputOutput, path: target, problem: "cannot be given its name: \(systemMessage(errno))")
    }
  }

  /// What a GGUF file has beside weights is in the configuration.
  private static func isWeight(_ name: String) -> Bool {
    name.hasPrefix("model.") || name.hasPrefix("lm_head.")
  }

  private func copyDescription(to folder: String) throws(ModelError) {
    for name in Self.companions where JSONFile.exists("\(source.path)/\(name)") {
      let file = try InputFile(path: "\(source.path)/\(name)")
      let output = try OutputFile(path: "\(folder)/\(name)")
      try output.append(try file.bytes(at: 0, count: file.size))
      try output.complete()
    }
  }

  // MARK: - From GGUF

  private func writeDescription(
    of header: GGUFHeader, to folder: String
  ) throws(ModelError) {
    func put(_ bytes: [UInt8], _ name: String) throws(ModelError) {
      let output = try OutputFile(path: "\(folder)/\(name)")
      try output.append(bytes)
      try output.complete()
    }
    func write(_ value: some Encodable, _ name: String) throws(ModelError) {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      let data: Data
      do {
        data = try encoder.encode(value)
      } catch {
        throw ModelError(.malformed, path: header.path, place: name, problem: "\(error)")
      }
      try put(Array(data), name)
    }
    let architecture = try header.text("general.architecture")
    try write(
      ConfigurationFile(source.configuration, architecture: architecture), "config.json")
    try put(TokenizerFile(gguf: header).encoded(path: header.path), "tokenizer.json")
    func token(_ name: String) throws(ModelError) -> String? {
      let id = try header.integer(optional: "tokenizer.ggml.\(name)_token_id")
      return id.map {
        String(decoding: source.tokenizer.bytes(of: TokenID(clamping: $0)), as: UTF8.self)
      }
    }
    try write(
      TokenizerDescription(
        chat_template: try header.text(optional: "tokenizer.chat_template"),
        bos_token: try token("bos"), eos_token: try token("eos")), "tokenizer_config.json")
  }

  private struct TokenizerDescription: Encodable {
    var chat_template: String?
    var bos_token: String?
    var eos_token: String?
  }
}

extension ConfigurationFile {
  /// The keys that describe a configuration that was read from a GGUF file.
  init(_ c: LlamaConfiguration, architecture: String) {
    // Only Mistral's type has a window in all layers.
    let type =
      architecture == "llama" && c.slidingWindow != nil
      ? "mistral" : ModelFamily.ggufArchitectures[architecture] ?? architecture
    let gemma = c.family.normalizesUpdates
    self.init(
      model_type: type, vocab_size: c.vocabularySize, hidden_size: c.hiddenSize,
      intermediate_size: c.intermediateSize, num_hidden_layers: c.layerCount,
      num_attention_heads: c.headCount, num_key_value_heads: c.keyValueHeadCount,
      head_dim: c.headSize, max_position_embeddings: c.contextLength, rms_norm_eps: c.normEpsilon,
      rope_theta: c.ropeTheta, rope_local_base_freq: c.windowRopeTheta,
      rope_scaling: RopeParameters(c.ropeScaling),
      partial_rotary_factor: c.rotarySize == c.headSize
        ? nil : (Double(c.rotarySize) + 0.5) / Double(c.headSize),
      tie_word_embeddings: c.tiedEmbeddings,
      attention_bias: c.attentionOutputBias ? true : nil, sliding_window: c.slidingWindow?.size,
      layer_types: gemma
        ? c.slidingWindow?.layers.map { $0 ? "sliding_attention" : "full_attention" } : nil,
      query_pre_attn_scalar: gemma
        ? (1 / (c.attentionScale * c.attentionScale)).rounded() : nil,
      attn_logit_softcapping: c.scoreCap == 0 ? nil : c.scoreCap,
      final_logit_softcapping: c.logitCap == 0 ? nil : c.logitCap,
      eos_token_id: c.endOfSequence.isEmpty ? nil : TokenIDs(values: c.endOfSequence),
      bos_token_id: c.beginningOfSequence.map { TokenIDs(values: [$0]) })
  }
}

extension ConfigurationFile.RopeParameters {
  fileprivate init?(_ scaling: RopeScaling) {
    switch scaling {
    // No GGUF file has the last three as such.
    case .none, .dynamic, .llama3, .entropyAware: return nil
    case .linear(let factor): self.init(rope_type: "linear", factor: factor)
    case .yarn(let yarn):
      self.init(
        rope_type: "yarn", factor: yarn.factor, original_max_position_embeddings: yarn.original,
        attention_factor: yarn.magnitude, beta_fast: yarn.betaFast, beta_slow: yarn.betaSlow,
        truncate: yarn.truncates)
    case .longRope(let short, let long, let original, let magnitude):
      self.init(
        rope_type: "longrope", original_max_position_embeddings: original,
        attention_factor: magnitude, short_factor: short, long_factor: long)
    }
  }
}
