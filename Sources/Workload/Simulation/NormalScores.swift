/// Lengths of a workload as normal scores and back: the score of a length is the normal quantile of
/// its rank, so that models of predictors can be written with normal errors whatever the lengths
/// are like.
struct NormalScores: Sendable {
  /// Lengths at 512 levels, ascending.
  private let marginal: [Float]

  /// - Parameter lengths: what answers of the workload are like, at least one.
  init(_ lengths: [Int]) {
    let sorted = lengths.sorted().map { Float($0) }
    marginal = (0..<512).map {
      LengthPrediction.interpolated(sorted, (Double($0) + 0.5) / 512)
    }
  }

  /// - Parameter tie: in 0...1; equal lengths are spread over the ranks that they share.
  func score(_ length: Float, tie: Double) -> Double {
    let below = marginal.count { $0 < length }
    let equal = max(1, marginal.count { $0 == length })
    let rank = (Double(below) + tie * Double(equal)) / Double(marginal.count + 1)
    return Normal.quantile(min(max(rank, 0.0005), 0.9995))
  }

  func length(_ score: Double) -> Float {
    LengthPrediction.interpolated(marginal, min(max(Normal.cumulative(score), 0), 1))
  }
}
