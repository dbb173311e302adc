#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A model of a predictor of given quality, for traces that have lengths and no text.
///
/// The true length's normal score z (`NormalScores`) is seen through noise:
/// s = rho z + sqrt(1 - rho^2) e. With normal z and e Kendall's tau between s and the length is
/// (2 / pi) asin(rho), so rho = sin(pi tau / 2); given s, z is normal with mean rho s and variance
/// 1 - rho^2, and its quantiles go back to lengths. Such a prediction is calibrated by
/// construction; `bias` shifts it and `coverage` makes it too sure or too unsure.
package struct NoisyPredictor: LengthPredictor {
  /// Kendall's tau between predicted and true lengths, 0 to 1.
  package let tau: Double
  /// Predicted lengths are multiplied by this.
  package let bias: Double
  /// What the nominal 80% interval really covers.
  package let coverage: Double
  private let seed: UInt64
  private let scores: NormalScores
  private let correlation: Double
  private let spread: Double

  /// - Parameters:
  ///   - lengths: what answers of this workload are like: the trace's own, or measured ones.
  /// - Throws: `.invalidSetting` without lengths or for a quality that cannot be.
  package init(
    tau: Double, bias: Double = 1, coverage: Double = 0.8, lengths: [Int], seed: UInt64
  ) throws(WorkloadError) {
    guard !lengths.isEmpty, (0...1).contains(tau), bias > 0, bias.isFinite, coverage > 0,
      coverage < 1
    else {
      throw WorkloadError(
        .invalidSetting, source: "noise model",
        problem: "needs lengths, tau in 0...1, bias above 0 and coverage in (0, 1)")
    }
    self.tau = tau
    self.bias = bias
    self.coverage = coverage
    self.seed = seed
    scores = NormalScores(lengths)
    correlation = sin(Double.pi * tau / 2)
    // The interval of +-1.28 deviations is stretched until it covers the share asked for.
    let nominal = Normal.quantile(0.9)
    let wanted = Normal.quantile((1 + coverage) / 2)
    spread = nominal > 0 && wanted > 0 ? wanted / nominal : 1
  }

  package var name: String { "noise-tau\(tau)" }

  package func prediction(for request: Request) -> LengthPrediction? {
    var random = RandomSource(seed: seed, item: request.id)
    let score = scores.score(Float(request.outputLength), tie: random.uniform())
    let noise = (1 - correlation * correlation).squareRoot()
    let seen = correlation * score + noise * random.normal()
    var quantiles = SIMD8<Float>(repeating: 1)
    for (index, level) in LengthPrediction.levels.enumerated() {
      let z = correlation * seen + noise * spread * Normal.quantile(level)
      quantiles[index] = Float(bias) * scores.length(z)
    }
    return LengthPrediction(quantiles: quantiles)
  }
}
