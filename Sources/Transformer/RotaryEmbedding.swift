#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Rotary position embedding (RoFormer, arXiv 2104.09864, section 3.2) as Hugging Face computes it:
/// angles in f32, pairs `(j, j + headSize / 2)`.
struct RotaryEmbedding: Sendable {
  /// `(headSize / 2)`: radians per position.
  private let frequencies: [Float]

  init(_ configuration: LlamaConfiguration) {
    frequencies = (0..<configuration.headSize / 2).map { j in
      let exponent = Float(2 * j) / Float(configuration.headSize)
      return 1 / powf(configuration.ropeTheta, exponent)
    }
  }

  /// Writes the `headSize / 2` cosines and sines of one position.
  func angles(
    at position: Int, cosine: UnsafeMutablePointer<Float>, sine: UnsafeMutablePointer<Float>
  ) {
    for (j, frequency) in frequencies.enumerated() {
      let angle = Float(position) * frequency
      cosine[j] = cosf(angle)
      sine[j] = sinf(angle)
    }
  }
}
