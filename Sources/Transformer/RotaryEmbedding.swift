#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Rotary position embedding (RoFormer, arXiv 2104.09864, section 3.2) as Hugging Face computes it:
/// angles in f32, pairs `(j, j + size / 2)` of the first `size` elements of a head.
struct RotaryEmbedding: Sendable {
  private let size: Int
  private let theta: Double
  private let scaling: RopeScaling
  private let magnitude: Float
  /// `(size / 2)`: radians per position.
  private let frequencies: [Float]

  /// Positions from here on have angles in f64: nobody rotates by them in f32 as a reference does.
  private let contextLength: Int

  var pairs: Int { size / 2 }

  init(size: Int, theta: Float, scaling: RopeScaling, contextLength: Int) {
    self.size = size
    self.theta = Double(theta)
    self.scaling = scaling
    self.contextLength = contextLength
    magnitude = Float(scaling.magnitude)
    frequencies = scaling.frequencies(
      size: size, theta: Double(theta), contextLength: contextLength
    ).map { Float($0) }
  }

  /// One for all layers, or the one of the layers without a window and then that of those with one.
  static func all(_ c: LlamaConfiguration) -> [RotaryEmbedding] {
    let global = RotaryEmbedding(
      size: c.rotarySize, theta: c.ropeTheta, scaling: c.ropeScaling,
      contextLength: c.contextLength)
    guard let theta = c.windowRopeTheta else { return [global] }
    let local = RotaryEmbedding(
      size: c.rotarySize, theta: theta, scaling: .none, contextLength: c.contextLength)
    return [global, local]
  }

  /// Writes the `size / 2` cosines and sines of one position.
  func angles(
    at position: Int, cosine: UnsafeMutablePointer<Float>, sine: UnsafeMutablePointer<Float>
  ) {
    var frequencies = frequencies
    if let theta = scaling.theta(theta, size: size, length: position + 1) {
      frequencies = RopeScaling.none.frequencies(size: size, theta: theta, contextLength: 0)
        .map { Float($0) }
    }
    for (j, frequency) in frequencies.enumerated() {
      if position < contextLength {
        let angle = Float(position) * frequency
        cosine[j] = cosf(angle) * magnitude
        sine[j] = sinf(angle) * magnitude
      } else {
        let angle = Double(position) * Double(frequency)
        cosine[j] = Float(cos(angle)) * magnitude
        sine[j] = Float(sin(angle)) * magnitude
      }
    }
  }

  /// Writes the cosines and sines of a rotation that takes what was rotated `positions` further.
  func turn(
    by positions: Int, cosine: UnsafeMutablePointer<Float>, sine: UnsafeMutablePointer<Float>
  ) {
    for (j, frequency) in frequencies.enumerated() {
      let angle = Double(positions) * Double(frequency)
      cosine[j] = Float(cos(angle))
      sine[j] = Float(sin(angle))
    }
  }
}
