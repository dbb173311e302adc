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
  package var ropeScaling = RopeScaling.none
  /// The base in layers that have a window, where it is another one (Gemma 3).
  package var windowRopeTheta: Float?
  /// The first elements of a head that are rotated: `headSize`, less in Phi-4 mini.
  package var rotarySize: Int
  package var slidingWindow: SlidingWindow?
  /// Text may be longer than the context; nil ends it there.
  package var streaming: StreamingAttention?
  /// Scores are multiplied by it before the softmax: the inverse root of `headSize`.
  package var attentionScale: Float
  /// Scores and logits go through `cap tanh(x / cap)` (Gemma 2); 0 leaves them as they are.
  package var scoreCap: Float = 0
  package var logitCap: Float = 0
  /// The output matrix is the embedding.
  package var tiedEmbeddings: Bool
  /// The q, k and v projections have a bias (Qwen2).
  package var attentionBias: Bool
  /// The output projection has one too (Llama and Qwen3 with `attention_bias`).
  package var attentionOutputBias = false
  package var family = ModelFamily()
  package var endOfSequence: [Int]
  package var beginningOfSequence: Int?

  /// Positions that a sequence can have.
  package var longestSequence: Int { streaming == nil ? contextLength : StreamingAttention.longest }

  /// Query heads per key/value head.
  package var groupSize: Int { headCount / keyValueHeadCount }
  package var querySize: Int { headCount * headSize }
  package var keyValueSize: Int { keyValueHeadCount * headSize }

  /// Weights, counting a tied output once.
  package var parameterCount: Int {
    let attention = hiddenSize * (2 * querySize + 2 * keyValueSize)
    let biases =
      (attentionBias ? querySize + 2 * keyValueSize : 0) + (attentionOutputBias ? hiddenSize : 0)
    let norms =
      (family.normalizesUpdates ? 4 : 2) * hiddenSize + (family.normalizesHeads ? 2 * headSize : 0)
    let layer = attention + biases + 3 * hiddenSize * intermediateSize + norms
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
    rotarySize = self.headSize
    attentionScale = 1 / Float(self.headSize).squareRoot()
    self.tiedEmbeddings = tiedEmbeddings
    self.attentionBias = attentionBias
    self.endOfSequence = endOfSequence
    self.beginningOfSequence = beginningOfSequence
  }
}

extension LlamaConfiguration {
  /// Bounds every size before anything is allocated from it.
  ///
  /// - Parameter path: the file that they are from, for errors.
  func validate(path: String) throws(ModelError) {
    func malformed(_ key: String?, _ problem: String) -> ModelError {
      ModelError(.malformed, path: path, place: key, problem: problem)
    }
    let sizes: [(String, Int, ClosedRange<Int>)] = [
      ("vocab_size", vocabularySize, 1...(1 << 22)),
      ("hidden_size", hiddenSize, 1...(1 << 16)),
      ("intermediate_size", intermediateSize, 1...(1 << 18)),
      ("num_hidden_layers", layerCount, 1...1024),
      ("num_attention_heads", headCount, 1...1024),
      ("num_key_value_heads", keyValueHeadCount, 1...1024),
      ("head_dim", headSize, 2...1024),
      ("max_position_embeddings", contextLength, 1...(1 << 24)),
      ("partial_rotary_factor", rotarySize, 2...max(2, headSize)),
      ("sliding_window", slidingWindow?.size ?? 1, 1...(1 << 24)),
    ]
    for (key, value, range) in sizes where !range.contains(value) {
      throw malformed(key, "expected \(range.lowerBound) to \(range.upperBound), found \(value)")
    }
    guard headCount % keyValueHeadCount == 0 else {
      throw malformed(
        "num_key_value_heads",
        "\(keyValueHeadCount) does not divide the \(headCount) attention heads")
    }
    guard headSize % 2 == 0 else {
      throw malformed("head_dim", "expected an even size, found \(headSize)")
    }
    guard rotarySize % 2 == 0 else {
      throw malformed("partial_rotary_factor", "\(rotarySize) elements cannot rotate in pairs")
    }
    if let window = slidingWindow, window.layers.count != layerCount {
      throw malformed(
        "layer_types", "expected \(layerCount) layers, found \(window.layers.count)")
    }
    for (key, cap) in [
      ("attn_logit_softcapping", scoreCap), ("final_logit_softcapping", logitCap),
    ] where !(cap == 0 || 1e-3...1e6 ~= cap) {
      throw malformed(key, "expected 0.001 to a million, found \(cap)")
    }
    let positive = [normEpsilon, ropeTheta, windowRopeTheta ?? 1, attentionScale]
    guard positive.allSatisfy({ $0 > 0 && $0.isFinite }), normEpsilon < 1 else {
      throw malformed(
        nil,
        "rms_norm_eps, rope_theta and query_pre_attn_scalar must be positive, found"
          + " \(normEpsilon), \(ropeTheta) and \(attentionScale)")
    }
    if case .longRope(let short, let long, _, _) = ropeScaling {
      for (key, list) in [("short_factor", short), ("long_factor", long)]
      where list.count != rotarySize / 2 {
        throw malformed(
          "rope_scaling.\(key)", "expected \(rotarySize / 2) factors, found \(list.count)")
      }
    }
    if case .dynamic = ropeScaling, rotarySize < 4 {
      throw malformed("head_dim", "dynamic scaling needs two pairs, found \(rotarySize) elements")
    }
    for id in endOfSequence where !(0..<vocabularySize).contains(id) {
      throw malformed(
        "eos_token_id", "expected less than vocab_size \(vocabularySize), found \(id)")
    }
  }
}
