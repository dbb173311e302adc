package import CKernels

/// The weights of one decoder layer.
package struct LlamaLayer: Sendable {
  /// `(hidden)`: RMSNorm before attention.
  let attentionNorm: AlignedBuffer
  /// `(heads * headSize | kvHeads * headSize | kvHeads * headSize, hidden)`: q, k and v stacked.
  let queryKeyValue: Matrix
  /// Like the rows of `queryKeyValue`, or nil.
  let queryKeyValueBias: AlignedBuffer?
  /// `(hidden, heads * headSize)`.
  let attentionOutput: Matrix
  /// `(hidden)`: RMSNorm before the feed-forward part.
  let feedForwardNorm: AlignedBuffer
  /// `(intermediate | intermediate, hidden)`: gate and up stacked.
  let gateUp: Matrix
  /// `(hidden, intermediate)`.
  let down: Matrix
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
    var layers: [LlamaLayer] = []
    for _ in 0..<c.layerCount {
      let queryKeyValue = try Matrix(
        parts: [c.querySize, c.keyValueSize, c.keyValueSize], columns: c.hiddenSize, type: type)
      layers.append(
        LlamaLayer(
          attentionNorm: try AlignedBuffer(floats: c.hiddenSize, purpose: "weights"),
          queryKeyValue: queryKeyValue,
          queryKeyValueBias: c.attentionBias
            ? try AlignedBuffer(floats: queryKeyValue.rows, purpose: "weights") : nil,
          attentionOutput: try Matrix(parts: [c.hiddenSize], columns: c.querySize, type: type),
          feedForwardNorm: try AlignedBuffer(floats: c.hiddenSize, purpose: "weights"),
          gateUp: try Matrix(
            parts: [c.intermediateSize, c.intermediateSize], columns: c.hiddenSize, type: type),
          down: try Matrix(parts: [c.hiddenSize], columns: c.intermediateSize, type: type)))
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

/// Where one tensor of a checkpoint belongs.
package struct WeightSlot: @unchecked Sendable {
  // Sendable by hand: slots of one model do not overlap, and the model keeps their memory.
  package enum Destination {
    /// Panels of a matrix `(rows, columns)`.
    case matrix(ft_matrix)
    /// f32 values.
    case vector(UnsafeMutablePointer<Float>)
  }

  /// The tensor's name in a Hugging Face checkpoint.
  package let name: String
  package let shape: [Int]
  package let destination: Destination
}

extension LlamaWeights {
  /// Every tensor that must be filled, under its Hugging Face name.
  package var slots: [WeightSlot] {
    let c = configuration
    var slots: [WeightSlot] = []
    func matrix(_ name: String, _ matrix: Matrix, part: Int = 0) {
      let view = matrix.part(part)
      slots.append(
        WeightSlot(
          name: name + ".weight", shape: [Int(view.rows), Int(view.cols)],
          destination: .matrix(view)))
    }
    func vector(_ name: String, _ buffer: AlignedBuffer, offset: Int = 0, count: Int) {
      slots.append(
        WeightSlot(name: name, shape: [count], destination: .vector(buffer.floats + offset)))
    }

    matrix("model.embed_tokens", embedding)
    for (index, layer) in layers.enumerated() {
      let prefix = "model.layers.\(index)"
      vector("\(prefix).input_layernorm.weight", layer.attentionNorm, count: c.hiddenSize)
      let sizes = [c.querySize, c.keyValueSize, c.keyValueSize]
      for (part, letter) in ["q", "k", "v"].enumerated() {
        let name = "\(prefix).self_attn.\(letter)_proj"
        matrix(name, layer.queryKeyValue, part: part)
        if let bias = layer.queryKeyValueBias {
          vector(
            "\(name).bias", bias, offset: layer.queryKeyValue.offsets[part], count: sizes[part])
        }
      }
      matrix("\(prefix).self_attn.o_proj", layer.attentionOutput)
      vector(
        "\(prefix).post_attention_layernorm.weight", layer.feedForwardNorm, count: c.hiddenSize)
      matrix("\(prefix).mlp.gate_proj", layer.gateUp, part: 0)
      matrix("\(prefix).mlp.up_proj", layer.gateUp, part: 1)
      matrix("\(prefix).mlp.down_proj", layer.down)
    }
    vector("model.norm.weight", finalNorm, count: c.hiddenSize)
    if !c.tiedEmbeddings { matrix("lm_head", output) }
    return slots
  }

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
      let count = slot.shape.reduce(1, *)
      switch slot.destination {
      case .vector(let values):
        let isNorm = slot.name.hasSuffix("norm.weight")
        for index in 0..<count { values[index] = isNorm ? 1 : 0.1 * uniform() }
      case .matrix(let view):
        let bound = (3 / Float(view.cols)).squareRoot()
        let values = (0..<count).map { _ in bound * uniform() }
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
