import ArgumentParser
import FoundationEssentials
import Transformer

/// Writes a model of random weights, for measurements of models that nobody needs to download.
struct RandomModel: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "random-model",
    abstract: "Writes config.json and packed bf16 weights, random and the same for the same seed.",
    discussion: "There is no tokenizer: the folder is for load, memory and engine.")

  @Argument(help: "The folder, which is made.")
  var folder: String
  @Option(help: "Model size: 1.1b, 135m, 110m, 28m or 3m.")
  var model = ModelSize.m1100
  @Option(help: "Another gives other weights.")
  var seed: UInt64 = 1
  @Option(help: "Threads.")
  var threads = 2

  func run() throws {
    let configuration = model.configuration
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    // Only names and shapes are asked of it: memory that is never touched is never taken.
    let slots = try LlamaWeights(configuration, type: .q8).slots
    let sources = slots.enumerated().compactMap { index, slot in
      TensorInfo(name: slot.name, dtype: .bf16, shape: slot.shape).map {
        Self.source($0, seed: seed &* 1_000_003 &+ UInt64(index))
      }
    }
    try WeightFileWriter(sources).writePacked(
      to: folder + "/model.safetensors.zst", threads: threads)
    try Data(Self.json(configuration).utf8).write(to: URL(filePath: folder + "/config.json"))
    print("\(folder): \(configuration.parameterCount) parameters")
  }

  /// Norms are 1; matrices are roughly normal, as trained ones are, with variance 1 / columns, so
  /// that activations keep their size.
  private static func source(_ tensor: TensorInfo, seed: UInt64) -> TensorSource {
    let isVector = tensor.shape.count == 1
    let scale = (3 / Float(tensor.columns)).squareRoot()
    return TensorSource(tensor) { rows, target in
      let start = rows.lowerBound * tensor.columns
      let bits = target.assumingMemoryBound(to: UInt16.self)
      for element in 0..<rows.count * tensor.columns {
        var value: Float = 1
        if !isVector {
          // SplitMix64's output function over a counter; the sum of four uniforms.
          var z = (seed << 40 &+ UInt64(start + element)) &* 0x9E37_79B9_7F4A_7C15
          z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
          z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
          z ^= z >> 31
          let halves = SIMD4<UInt64>(z, z >> 16, z >> 32, z >> 48) & 0xFFFF
          value = scale * (Float(halves.wrappedSum()) / 65536 - 2)
        }
        bits[element] = UInt16(truncatingIfNeeded: (value.bitPattern &+ 0x8000) >> 16).littleEndian
      }
    }
  }

  private static func json(_ c: LlamaConfiguration) -> String {
    """
    {"model_type": "llama", "hidden_act": "silu", "hidden_size": \(c.hiddenSize),
     "intermediate_size": \(c.intermediateSize), "num_hidden_layers": \(c.layerCount),
     "num_attention_heads": \(c.headCount), "num_key_value_heads": \(c.keyValueHeadCount),
     "head_dim": \(c.headSize), "vocab_size": \(c.vocabularySize),
     "max_position_embeddings": \(c.contextLength), "rms_norm_eps": 1e-5,
     "rope_theta": 10000.0, "tie_word_embeddings": \(c.tiedEmbeddings)}

    """
  }
}
