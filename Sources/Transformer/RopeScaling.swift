#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// How rotary embeddings reach past the context that a model was trained with, as a `config.json`
/// states it; the formulas are those of Hugging Face's `modeling_rope_utils.py`.
package enum RopeScaling: Equatable, Sendable {
  case none
  /// Position interpolation (arXiv 2306.15595): positions are divided by `factor`.
  case linear(factor: Double)
  /// Dynamic NTK: past `original` positions the base grows with the position. A token is rotated
  /// by the frequencies of its own position, as in a model that decodes one token at a time.
  case dynamic(factor: Double, original: Int)
  /// YaRN (arXiv 2309.00071): slow pairs are interpolated, fast ones kept, a ramp between.
  case yarn(Yarn)
  /// Llama 3.1: wavelengths above `original / low` are interpolated, below `original / high` kept.
  case llama3(factor: Double, low: Double, high: Double, original: Int)
  /// LongRoPE (arXiv 2402.13753): a divisor for every pair, one list for contexts up to `original`
  /// and one for longer ones. A model has one context, so it uses one list at all positions.
  case longRope(short: [Double], long: [Double], original: Int, magnitude: Double)
  /// Entropy-aware ABF (arXiv 2401.07004; "eabf" in its authors' configurations): the base of all
  /// frequencies is a larger one, and past `original` positions queries grow with the
  /// logarithm of how many they see, so that attention does not flatten.
  case entropyAware(original: Int)

  package struct Yarn: Equatable, Sendable {
    package var factor: Double
    package var original: Int
    package var betaFast = 32.0
    package var betaSlow = 1.0
    /// The ramp ends at whole pairs.
    package var truncates = true
    /// Cosines and sines are multiplied by it.
    package var magnitude: Double

    package init(
      factor: Double, original: Int, betaFast: Double = 32, betaSlow: Double = 1,
      truncates: Bool = true, magnitude: Double? = nil
    ) {
      self.factor = factor
      self.original = original
      self.betaFast = betaFast
      self.betaSlow = betaSlow
      self.truncates = truncates
      self.magnitude = magnitude ?? Self.magnitude(factor, 1)
    }

    /// `0.1 m ln(factor) + 1`.
    static func magnitude(_ factor: Double, _ m: Double) -> Double {
      factor <= 1 ? 1 : 0.1 * m * log(factor) + 1
    }
  }

  /// The base that Entropy-ABF takes.
  static let entropyAwareTheta: Float = 500_000
  /// The first layers, whose attention Entropy-ABF leaves as flat as it is.
  private static let flatLayers = 2

  /// What the queries of a layer are multiplied by at a position.
  func queryScale(at position: Int, layer: Int) -> Float {
    guard case .entropyAware(let original) = self, layer >= Self.flatLayers, position >= original
    else { return 1 }
    return Float(log(Double(position + 1)) / log(Double(max(original, 2))))
  }

  /// What cosines and sines are multiplied by.
  var magnitude: Double {
    switch self {
    case .yarn(let yarn): yarn.magnitude
    case .longRope(_, _, _, let magnitude): magnitude
    default: 1
    }
  }

  /// Radians per position of each of the `size / 2` pairs.
  func frequencies(size: Int, theta: Double, contextLength: Int) -> [Double] {
    let plain = (0..<size / 2).map { 1 / pow(theta, Double(2 * $0) / Double(size)) }
    switch self {
    case .none, .dynamic, .entropyAware: return plain
    case .linear(let factor): return plain.map { $0 / factor }
    case .yarn(let yarn):
      func pair(rotations: Double) -> Double {
        Double(size) * log(Double(yarn.original) / (rotations * 2 * .pi)) / (2 * log(theta))
      }
      var (low, high) = (pair(rotations: yarn.betaFast), pair(rotations: yarn.betaSlow))
      if yarn.truncates { (low, high) = (low.rounded(.down), high.rounded(.up)) }
      (low, high) = (max(low, 0), min(high, Double(size - 1)))
      if low == high { high += 0.001 }
      return plain.enumerated().map { index, frequency in
        let ramp = min(max((Double(index) - low) / (high - low), 0), 1)
        return frequency / yarn.factor * ramp + frequency * (1 - ramp)
      }
    case .llama3(let factor, let low, let high, let original):
      return plain.map { frequency in
        let turns = Double(original) * frequency / (2 * .pi)
        if turns < low { return frequency / factor }
        if turns > high { return frequency }
        let smooth = (turns - low) / (high - low)
        return (1 - smooth) * frequency / factor + smooth * frequency
      }
    case .longRope(let short, let long, let original, _):
      let divisors = contextLength > original ? long : short
      return zip(plain, divisors).map { $0 / $1 }
    }
  }

  /// Dynamic NTK's base for a sequence that is `length` long; nil where it is the plain one.
  func theta(_ theta: Double, size: Int, length: Int) -> Double? {
    guard case .dynamic(let factor, let original) = self, length > original else { return nil }
    let grown = factor * Double(length) / Double(original) - (factor - 1)
    return theta * pow(grown, Double(size) / Double(size - 2))
  }
}
