#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Knows how long ten other answers to the same prompt are, and not the one that comes: the most that
/// can be known of a prompt, between what a predictor reaches and the oracle.
///
/// A trace has one length a request; the other ten are drawn so that all eleven are exchangeable.
/// The normal score of a length is c + sqrt(v) e, c ~ N(0, 1 - v) the prompt's own and e ~ N(0, 1) of
/// the draw. Given the score z of the draw that comes, c ~ N((1 - v) z, v (1 - v)). The share v of
/// variance within prompts follows from Kendall's tau between a draw and the median of ten others,
/// the noise floor that `foretoken lengths stats` prints: with rho = sin(pi tau / 2) and m = 0.138,
/// the variance of the median of ten normal draws, (1 - v)^2 = rho^2 (1 - v + m v).
package struct BestOfTen: LengthPredictor {
  /// Of all models of CASTILLO together; 0.66 to 0.87 of each alone.
  package static let castilloTau = 0.78
  private static let draws = 10
  private static let medianVariance = 0.138

  /// Kendall's tau between the median of the ten and the draw that comes.
  package let tau: Double
  /// The share of the variance of scores that lies within prompts.
  package let withinPrompts: Double
  private let seed: UInt64
  private let scores: NormalScores

  /// - Parameters:
  ///   - lengths: what answers of this workload are like: the trace's own.
  /// - Throws: `.invalidSetting` without lengths or for a tau that cannot be.
  package init(
    tau: Double = castilloTau, lengths: [Int], seed: UInt64
  ) throws(WorkloadError) {
    guard !lengths.isEmpty, (0...1).contains(tau) else {
      throw WorkloadError(
        .invalidSetting, source: "best-of-ten", problem: "needs lengths and tau in 0...1")
    }
    self.tau = tau
    self.seed = seed
    scores = NormalScores(lengths)
    let square = sin(Double.pi * tau / 2) * sin(Double.pi * tau / 2)
    let half = 1 - (1 - Self.medianVariance) * square / 2
    withinPrompts = min(1, max(0, half - (half * half - (1 - square)).squareRoot()))
  }

  package var name: String { "best-of-ten" }

  package func prediction(for request: Request) -> LengthPrediction? {
    var random = RandomSource(seed: seed, item: request.id)
    let share = withinPrompts
    let score = scores.score(Float(request.outputLength), tie: random.uniform())
    let prompt = (1 - share) * score + (share * (1 - share)).squareRoot() * random.normal()
    let others = (0..<Self.draws).map { _ in
      scores.length(prompt + share.squareRoot() * random.normal())
    }
    return LengthPrediction(sorted: others.sorted())
  }
}
