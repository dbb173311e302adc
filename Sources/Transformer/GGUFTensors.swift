internal import CKernels

/// The tensors of a GGUF file under their Hugging Face names.
struct GGUFTensors {
  let tensors: [StoredTensor]

  /// How a type of the format is stored, and what its elements become.
  private enum Encoding {
    case plain(TensorDType)
    case blocks(ft_block_type)
  }

  private static let encodings: [UInt32: Encoding] = [
    0: .plain(.f32), 1: .plain(.f16), 30: .plain(.bf16), 2: .blocks(FT_Q4_0), 8: .blocks(FT_Q8_0),
    12: .blocks(FT_Q4_K), 14: .blocks(FT_Q6_K),
  ]

  /// ggml's names of the types that we do not read.
  private static let otherTypes: [UInt32: String] = [
    3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 9: "Q8_1", 10: "Q2_K", 11: "Q3_K", 13: "Q5_K", 15: "Q8_K",
    16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S",
    23: "IQ4_XS", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64", 29: "IQ1_M", 34: "TQ1_0",
    35: "TQ2_0", 39: "MXFP4",
  ]

  /// - Throws: `malformed` for tensors that overlap or lie outside of the file, `unsupported` for a
  ///   type that we do not read.
  init(_ header: GGUFHeader, _ file: InputFile) throws(ModelError) {
    func fail(_ code: ModelError.Code, _ name: String, _ problem: String) -> ModelError {
      ModelError(code, path: file.path, place: "tensor \(name)", problem: problem)
    }
    // llama.cpp stores q and k of this architecture with the halves of each head interleaved.
    var interleaved: [String: Int] = [:]
    if case .text("llama") = header.values["general.architecture"] {
      let heads = try header.integer("llama.attention.head_count")
      let shared = try header.integer(optional: "llama.attention.head_count_kv") ?? heads
      guard heads > 0, shared > 0 else {
        throw fail(.malformed, "llama.attention.head_count", "is not positive")
      }
      interleaved = ["attn_q": heads, "attn_k": shared]
    }
    let known = Names(header)
    var tensors: [StoredTensor] = []
    var ranges: [(range: Range<Int>, name: String)] = []
    for tensor in header.tensors {
      guard let encoding = Self.encodings[tensor.type] else {
        let type = Self.otherTypes[tensor.type] ?? "number \(tensor.type)"
        var error = fail(.unsupported, tensor.name, "is of type \(type)")
        error.advice = "F32, F16, BF16, Q8_0, Q4_0, Q4_K and Q6_K are read"
        throw error
      }
      let dtype: TensorDType
      switch encoding {
      case .plain(let type): dtype = type
      case .blocks: dtype = .f32
      }
      let name = known[tensor.name]
      guard let info = TensorInfo(name: name, dtype: dtype, shape: tensor.shape) else {
        throw fail(.malformed, tensor.name, "the shape \(tensor.shape) is too large")
      }
      var block: (type: ft_block_type, bytes: Int, elements: Int)?
      if case .blocks(let type) = encoding {
        let elements = ft_block_elements(type)
        guard let last = tensor.shape.last, last % elements == 0 else {
          throw fail(.malformed, tensor.name, "its rows are not whole blocks of \(elements)")
        }
        block = (type, ft_block_bytes(type), elements)
      }
      let bytes =
        block.map { info.elementCount / $0.elements * $0.bytes } ?? info.byteCount
      let (start, overflow) = header.dataStart.addingReportingOverflow(tensor.offset)
      guard !overflow, start <= file.size, bytes <= file.size - start else {
        var error = fail(
          .malformed, tensor.name, "its \(bytes) bytes at \(tensor.offset) end after the file does")
        error.advice = "the file was cut off; fetch it again"
        throw error
      }
      var headSize: Int?
      let parts = tensor.name.split(separator: ".")
      if parts.count == 4, parts[0] == "blk", let heads = interleaved[String(parts[2])] {
        guard info.rows % heads == 0, info.rows / heads % 2 == 0 else {
          throw fail(.malformed, tensor.name, "\(info.rows) rows are not \(heads) heads")
        }
        headSize = info.rows / heads
      }
      ranges.append((start..<start + bytes, tensor.name))
      var stored = StoredTensor(info, at: start, block: block, interleavedHeads: headSize)
      // llama.cpp stores the norms of this family as they are used.
      if known.family.normAddend != 0, tensor.name.hasSuffix("norm.weight") {
        guard dtype == .f32 else {
          throw fail(.unsupported, tensor.name, "a norm of type \(dtype.rawValue)")
        }
        stored.addend = -known.family.normAddend
      }
      tensors.append(stored)
    }
    ranges.sort { $0.range.lowerBound < $1.range.lowerBound }
    for (before, after) in zip(ranges, ranges.dropFirst())
    where before.range.upperBound > after.range.lowerBound {
      throw fail(.malformed, after.name, "overlaps tensor \(before.name)")
    }
    var names: Set<String> = []
    for tensor in tensors where !names.insert(tensor.info.name).inserted {
      throw fail(.malformed, tensor.info.name, "comes twice, under two names")
    }
    self.tensors = tensors
  }

  /// The Hugging Face names of one file's tensors.
  private struct Names {
    let family: ModelFamily
    private let whole = [
      "token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head",
    ]
    private var ofLayer = [
      "attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj",
      "attn_v": "self_attn.v_proj", "attn_qkv": "self_attn.qkv_proj",
      "attn_output": "self_attn.o_proj", "attn_q_norm": "self_attn.q_norm",
      "attn_k_norm": "self_attn.k_norm", "ffn_norm": "post_attention_layernorm",
      "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
    ]

    init(_ header: GGUFHeader) {
      family = ModelFamily(ggufArchitecture: header.values["general.architecture"])
      if family.normalizesUpdates {
        ofLayer["ffn_norm"] = "pre_feedforward_layernorm"
        ofLayer["post_attention_norm"] = "post_attention_layernorm"
        ofLayer["post_ffw_norm"] = "post_feedforward_layernorm"
      }
      // One tensor of this name holds gate and up where another holds q, k and v.
      if header.tensors.contains(where: { $0.name.hasSuffix(".attn_qkv.weight") }) {
        ofLayer["ffn_up"] = "mlp.gate_up_proj"
      }
    }

    /// The Hugging Face name; names that have none stay.
    subscript(name: String) -> String {
      let parts = name.split(separator: ".").map(String.init)
      if parts.count == 2, let known = whole[parts[0]] { return "\(known).\(parts[1])" }
      if parts.count == 4, parts[0] == "blk", let known = ofLayer[parts[2]] {
        return "model.layers.\(parts[1]).\(known).\(parts[3])"
      }
      return name
    }
  }
}

extension ModelFamily {
  /// The `model_type` of each architecture of llama.cpp's that is read.
  static let ggufArchitectures = [
    "gemma2": "gemma2", "gemma3": "gemma3_text", "llama": "llama", "phi3": "phi3",
    "qwen2": "qwen2", "qwen3": "qwen3",
  ]

  /// The family of a file; the plain one where it is none that we know.
  fileprivate init(ggufArchitecture value: GGUFHeader.Value?) {
    guard case .text(let name) = value, let type = Self.ggufArchitectures[name],
      let family = Self.known[type]
    else {
      self.init()
      return
    }
    self = family
  }
}

extension StoredTensor {
  /// A tensor of a GGUF file.
  init(
    _ info: TensorInfo, at offset: Int,
    block: (type: ft_block_type, bytes: Int, elements: Int)?, interleavedHeads: Int?
  ) {
    self.info = info
    planes = 1
    blockType = block?.type
    self.interleavedHeads = interleavedHeads
    let rowBytes =
      block.map { info.columns / $0.elements * $0.bytes } ?? info.columns * info.dtype.size
    // Whole heads, where their rows change places.
    let unit = interleavedHeads.map {
      $0 * ChunkRule.rows / greatestCommonDivisor($0, ChunkRule.rows)
    }
    chunks = ChunkRule.cut(info, unit: unit ?? ChunkRule.rows).map { rows in
      Chunk(
        rows: rows,
        pieces: [
          Piece(
            offset: offset + rows.lowerBound * rowBytes, storedBytes: rows.count * rowBytes,
            decodedBytes: rows.count * info.columns * info.dtype.size, isFrame: false)
        ])
    }
  }
}

private func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int {
  b == 0 ? a : greatestCommonDivisor(b, a % b)
}
