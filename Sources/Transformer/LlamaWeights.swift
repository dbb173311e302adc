internal import CKernels

/// The weights of one decoder layer.
package struct LlamaLayer: Sendable {
  /// `(hidden)`: RMSNorm before attention.
  let attentionNorm: AlignedBuffer
  /// `(heads * headSize | kvHeads * headSize | kvHeads * headSize, hidden)`: q, k and v stacked.
  let queryKeyValue: Matrix
  /// Like the rows of `queryKeyValue`, or nil.
  let queryKeyValueBias: AlignedBuffer?
  /// `(headSize)` each: RMSNorm of every head of q and of k, or nil.
  let queryNorm: AlignedBuffer?
  let keyNorm: AlignedBuffer?
  /// `(hidden, heads * headSize)`.
  let attentionOutput: Matrix
  /// `(hidden)`, or nil.
  let attentionOutputBias: AlignedBuffer?
  /// `(hidden)`: RMSNorm of what attention adds, or nil.
  let attentionUpdateNorm: AlignedBuffer?
  /// `(hidden)`: RMSNorm before the feed-forward part.
  let feedForwardNorm: AlignedBuffer
  /// `(intermediate | intermediate, hidden)`: gate and up stacked.
  let gateUp: Matrix
  /// `(hidden, intermediate)`.
  let down: Matrix
  /// `(hidden)`: RMSNorm of what the feed-forward part adds, or nil.
  let feedForwardUpdateNorm: AlignedBuffer?
}

/// The weights of a Llama-family decoder, laid out for the kernels.
package struct LlamaWeights: Sendable {
  package let configuration: LlamaConfiguration
  package let type: WeightType
  let layers: [LlamaLayer]
  /// `(vocabulary, hidden)`.
  let embedding: Matrix
  /// `(hidden)`.
  let finalNorm: AlignedBuffer
  /// `(vocabulary, hidden)`: the embedding when they are tied.
  let output: Matrix

  /// Makes room for every weight; all are zero until the slots are filled.
  ///
  /// - Throws: `outOfMemory`.
  package init(_ configuration: LlamaConfiguration, type: WeightType) throws(ModelError) {
    let c = configuration
    func vector(_ count: Int, if exists: Bool) throws(ModelError) -> AlignedBuffer? {
      exists ? try AlignedBuffer(floats: count, purpose: "weights") : nil
    }
    var layers: [LlamaLayer] = []
    for _ in 0..<c.layerCount {
      let queryKeyValue = try Matrix(
        parts: [c.querySize, c.keyValueSize, c.keyValueSize], columns: c.hiddenSize, type: type)
      layers.append(
        LlamaLayer(
          attentionNorm: try AlignedBuffer(floats: c.hiddenSize, purpose: "weights"),
          queryKeyValue: queryKeyValue,
          queryKeyValueBias: try vector(queryKeyValue.rows, if: c.attentionBias),
          queryNorm: try vector(c.headSize, if: c.family.normalizesHeads),
          keyNorm: try vector(c.headSize, if: c.family.normalizesHeads),
          attentionOutput: try Matrix(parts: [c.hiddenSize], columns: c.querySize, type: type),
          attentionOutputBias: try vector(c.hiddenSize, if: c.attentionOutputBias),
          attentionUpdateNorm: try vector(c.hiddenSize, if: c.family.normalizesUpdates),
          feedForwardNorm: try AlignedBuffer(floats: c.hiddenSize, purpose: "weights"),
          gateUp: try Matrix(
            parts: [c.intermediateSize, c.intermediateSize], columns: c.hiddenSize, type: type),
          down: try Matrix(parts: [c.hiddenSize], columns: c.intermediateSize, type: type),
          feedForwardUpdateNorm: try vector(c.hiddenSize, if: c.family.normalizesUpdates)))
    }
    self.configuration = c
    self.type = type
    self.layers = layers
    embedding = try Matrix(
      parts: [c.vocabularySize], columns: c.hiddenSize, type: type.ofVocabulary)
    finalNorm = try AlignedBuffer(floats: c.hiddenSize, purpose: "weights")
    output =
      c.tiedEmbeddings
      ? embedding
      : try Matrix(parts: [c.vocabularySize], columns: c.hiddenSize, type: type.ofVocabulary)
  }

  /// Bytes of all matrices in memory.
  package var byteCount: Int { bytesPerStep + (output === embedding ? 0 : embedding.byteCount) }

  /// Bytes of the matrices that one decode step reads.
  package var bytesPerStep: Int {
    layers.reduce(output.byteCount) { sum, layer in
      sum + layer.queryKeyValue.byteCount + layer.attentionOutput.byteCount
        + layer.gateUp.byteCount + layer.down.byteCount
    }
  }
}

extension LlamaWeights {
  /// Fills every tensor with seeded random values, for benchmarks and tests: matrices uniform with
  /// variance `1 / columns`, so that activations keep their size; norms 1; biases small.
  package func fillRandomly(seed: UInt64) {
    var state = seed
    func uniform() -> Float {
      // SplitMix64's output function over a counter.
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return Float(Int32(truncatingIfNeeded: (z ^ (z >> 31)) >> 40) - (1 << 23)) / Float(1 << 23)
    }
    for slot in slots {
      switch slot.destination {
      case .vector(let values, let count, _):
        let isNorm = slot.name.hasSuffix("norm.weight")
        for index in 0..<count { values[index] = isNorm ? 1 : 0.1 * uniform() }
      case .matrix(let view):
        let bound = (3 / Float(view.cols)).squareRoot()
        let values = (0..<Int(view.rows) * Int(view.cols)).map { _ in bound * uniform() }
        view.pack(values)
      }
    }
  }
}

extension ft_matrix {
  /// Packs all rows from `(rows, cols)` f32 values.
  func pack(_ values: [Float]) {
    ft_pack_panels(
      dtype, FT_F32, values, rows, cols, 0, (rows + Int32(FT_PANEL) - 1) / Int32(FT_PANEL),
      UnsafeMutableRawPointer(mutating: panels), UnsafeMutablePointer(mutating: scales))
  }
}
