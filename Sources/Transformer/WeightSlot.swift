package import CKernels

/// Where one tensor of a checkpoint, or some of its rows, belongs.
package struct WeightSlot: @unchecked Sendable {
  // Sendable by hand: slots of one model do not overlap, and the model keeps their memory.
  package enum Destination {
    /// Panels of a matrix `(rows, columns)`.
    case matrix(ft_matrix)
    /// f32 values, to each of which `addend` is added.
    case vector(UnsafeMutablePointer<Float>, count: Int, addend: Float)
  }

  /// The tensor's name in a Hugging Face checkpoint.
  package let name: String
  /// The whole tensor's.
  package let shape: [Int]
  /// The tensor's row that goes to the destination's first.
  package let firstRow: Int
  package let destination: Destination

  var rowCount: Int {
    switch destination {
    case .matrix(let view): Int(view.rows)
    case .vector(_, let count, _): count
    }
  }
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
          name: name + ".weight", shape: [Int(view.rows), Int(view.cols)], firstRow: 0,
          destination: .matrix(view)))
    }
    /// One tensor whose rows are those of all parts.
    func fused(_ name: String, _ matrix: Matrix, sizes: [Int]) {
      var row = 0
      for (part, size) in sizes.enumerated() {
        slots.append(
          WeightSlot(
            name: name + ".weight", shape: [sizes.reduce(0, +), matrix.columns], firstRow: row,
            destination: .matrix(matrix.part(part))))
        row += size
      }
    }
    func vector(
      _ name: String, _ buffer: AlignedBuffer?, offset: Int = 0, count: Int, addend: Float = 0
    ) {
      guard let buffer else { return }
      slots.append(
        WeightSlot(
          name: name, shape: [count], firstRow: 0,
          destination: .vector(buffer.floats + offset, count: count, addend: addend)))
    }
    func norm(_ name: String, _ buffer: AlignedBuffer?, count: Int) {
      vector(name + ".weight", buffer, count: count, addend: c.family.normAddend)
    }

    matrix("model.embed_tokens", embedding)
    for (index, layer) in layers.enumerated() {
      let prefix = "model.layers.\(index)"
      let attention = prefix + ".self_attn"
      norm("\(prefix).input_layernorm", layer.attentionNorm, count: c.hiddenSize)
      let sizes = [c.querySize, c.keyValueSize, c.keyValueSize]
      if c.family.fusesProjections {
        fused("\(attention).qkv_proj", layer.queryKeyValue, sizes: sizes)
      } else {
        for (part, letter) in ["q", "k", "v"].enumerated() {
          let name = "\(attention).\(letter)_proj"
          matrix(name, layer.queryKeyValue, part: part)
          vector(
            "\(name).bias", layer.queryKeyValueBias, offset: layer.queryKeyValue.offsets[part],
            count: sizes[part])
        }
      }
      norm("\(attention).q_norm", layer.queryNorm, count: c.headSize)
      norm("\(attention).k_norm", layer.keyNorm, count: c.headSize)
      matrix("\(attention).o_proj", layer.attentionOutput)
      vector("\(attention).o_proj.bias", layer.attentionOutputBias, count: c.hiddenSize)
      if c.family.normalizesUpdates {
        norm("\(prefix).post_attention_layernorm", layer.attentionUpdateNorm, count: c.hiddenSize)
        norm("\(prefix).pre_feedforward_layernorm", layer.feedForwardNorm, count: c.hiddenSize)
        norm(
          "\(prefix).post_feedforward_layernorm", layer.feedForwardUpdateNorm,
          count: c.hiddenSize)
      } else {
        norm("\(prefix).post_attention_layernorm", layer.feedForwardNorm, count: c.hiddenSize)
      }
      if c.family.fusesProjections {
        fused(
          "\(prefix).mlp.gate_up_proj", layer.gateUp,
          sizes: [c.intermediateSize, c.intermediateSize])
      } else {
        matrix("\(prefix).mlp.gate_proj", layer.gateUp, part: 0)
        matrix("\(prefix).mlp.up_proj", layer.gateUp, part: 1)
      }
      matrix("\(prefix).mlp.down_proj", layer.down)
    }
    norm("model.norm", finalNorm, count: c.hiddenSize)
    if !c.tiedEmbeddings { matrix("lm_head", output) }
    return slots
  }
}
