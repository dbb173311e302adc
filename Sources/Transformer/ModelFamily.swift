/// What sets families of decoders apart, as values: all of them run through one forward pass.
package struct ModelFamily: Equatable, Sendable {
  /// What the gate of the feed-forward part goes through.
  package enum Activation: Sendable {
    /// `x / (1 + exp(-x))`.
    case silu
    /// GELU by tanh: `x / (1 + exp(-2 sqrt(2 / pi) (x + 0.044715 x^3)))`.
    case gelu

    /// The function that a `config.json` names.
    init?(named name: String) {
      switch name {
      case "silu", "swish": self = .silu
      case "gelu_pytorch_tanh", "gelu_new": self = .gelu
      default: return nil
      }
    }
  }

  /// Which layers attend to no more than a window, where the configuration has one.
  package enum Windowing: Equatable, Sendable {
    /// All of them (Mistral, Phi-3).
    case always
    /// None unless `use_sliding_window` says so (Qwen).
    case onDemand
    /// All but every n-th (Gemma).
    case allBut(every: Int)

    /// Of `count` layers, those that have the window; nil where none has.
    ///
    /// - Parameters:
    ///   - pattern: every so many-th layer sees all, where a file says so.
    ///   - first: the first layer with a window, where it must be asked for.
    func layers(_ count: Int, pattern: Int? = nil, from first: Int? = nil) -> [Bool]? {
      let layers: [Bool]
      switch self {
      case .always: layers = Array(repeating: true, count: count)
      case .onDemand: layers = (0..<count).map { $0 >= first ?? count }
      case .allBut(let every):
        let pattern = pattern ?? every
        layers = (0..<count).map { pattern < 1 || ($0 + 1) % pattern != 0 }
      }
      return layers.contains(true) ? layers : nil
    }
  }

  package var activation = Activation.silu
  package var windowing = Windowing.onDemand
  /// The q, k and v projections have a bias (Qwen2).
  package var attentionBias = false
  /// Each head of q and k is normalised before it is rotated (Qwen3, Gemma 3).
  package var normalizesHeads = false
  /// What attention and the feed-forward part give is normalised before it is added (Gemma).
  package var normalizesUpdates = false
  /// Is added to every norm's weight as it is stored (Gemma).
  package var normAddend: Float = 0
  /// Embeddings are multiplied by the root of the hidden size (Gemma).
  package var scalesEmbeddings = false
  /// One tensor holds q, k and v, another gate and up (Phi-3).
  package var fusesProjections = false
  package var tiesEmbeddings = false

  /// By the `model_type` of a `config.json`.
  static let known: [String: ModelFamily] = [
    "llama": ModelFamily(),
    "mistral": ModelFamily(windowing: .always),
    "qwen2": ModelFamily(attentionBias: true),
    "qwen3": ModelFamily(normalizesHeads: true),
    "phi3": ModelFamily(windowing: .always, fusesProjections: true),
    "gemma2": ModelFamily(
      activation: .gelu, windowing: .allBut(every: 2), normalizesUpdates: true, normAddend: 1,
      scalesEmbeddings: true, tiesEmbeddings: true),
    "gemma3_text": ModelFamily(
      activation: .gelu, windowing: .allBut(every: 6), normalizesHeads: true,
      normalizesUpdates: true, normAddend: 1, scalesEmbeddings: true, tiesEmbeddings: true),
  ]
}

/// Attention to the last so many positions only (Mistral 7B, arXiv 2310.06825, section 2).
package struct SlidingWindow: Equatable, Sendable {
  /// Positions that a token sees, itself included.
  package var size: Int
  /// Which layers have the window.
  package var layers: [Bool]

  package init(size: Int, layers: [Bool]) {
    self.size = size
    self.layers = layers
  }

  /// The first position that a token at `position` sees in layer `layer`.
  func first(seenFrom position: Int, layer: Int) -> Int {
    layers[layer] ? max(0, position + 1 - size) : 0
  }
}
