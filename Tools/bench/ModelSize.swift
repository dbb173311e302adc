import ArgumentParser
import Transformer

/// The shapes of the random models that speed is measured on; `Tools/peers/models.py` has the same.
enum ModelSize: String, ExpressibleByArgument, CaseIterable {
  /// TinyLlama's, and beside it a draft of SmolLM2's with the same tokens.
  case m1100 = "1.1b"
  case m135 = "135m"
  case m110 = "110m"
  case m28 = "28m"
  case m3 = "3m"

  var configuration: LlamaConfiguration {
    switch self {
    case .m1100:
      LlamaConfiguration(
        vocabularySize: 32_000, hiddenSize: 2048, intermediateSize: 5632, layerCount: 22,
        headCount: 32, keyValueHeadCount: 4, contextLength: 2048, tiedEmbeddings: false)
    case .m135:
      LlamaConfiguration(
        vocabularySize: 32_000, hiddenSize: 576, intermediateSize: 1536, layerCount: 30,
        headCount: 9, keyValueHeadCount: 3, contextLength: 2048)
    case .m110: shape(768, 14, heads: 12, intermediate: 2560)
    case .m28: shape(512, 8, heads: 8, intermediate: 1408)
    case .m3: shape(192, 4, heads: 3, intermediate: 512, keyValueHeads: 1)
    }
  }

  private func shape(
    _ hidden: Int, _ layers: Int, heads: Int, intermediate: Int, keyValueHeads: Int? = nil
  ) -> LlamaConfiguration {
    LlamaConfiguration(
      vocabularySize: 8192, hiddenSize: hidden, intermediateSize: intermediate,
      layerCount: layers, headCount: heads, keyValueHeadCount: keyValueHeads ?? 4,
      contextLength: 2048)
  }
}
