/// How to grow a `TreeEnsemble`: everything but the data that decides it.
package struct BoostingSettings: Codable, Equatable, Sendable {
  package var trees: Int
  /// By how much each tree is believed (shrinkage, Friedman 2001).
  package var learningRate: Float
  /// Questions on the longest path of a tree.
  package var depth: Int
  /// The least sum of second derivatives in a leaf. For numbers and quantiles that is a count of
  /// rows; for hazards the sum of `h (1 - h)` over the time bins that the leaf's rows entered.
  package var minimumLeafWeight: Double
  /// Added to the sum of second derivatives, which pulls small leaves to zero.
  package var penalty: Double
  /// The shares of rows and of features that each tree gets to see (Friedman 2002).
  package var rowShare: Float
  package var featureShare: Float
  /// The most bins of a dense and of a sparse feature.
  package var denseBins: Int
  package var sparseBins: Int
  /// Stop after so many trees in a row without a better held-out loss.
  package var patience: Int?
  package var seed: UInt64

  package init(
    trees: Int = 300, learningRate: Float = 0.1, depth: Int = 6, minimumLeafWeight: Double = 20,
    penalty: Double = 1, rowShare: Float = 1, featureShare: Float = 1, denseBins: Int = 64,
    sparseBins: Int = 8, patience: Int? = nil, seed: UInt64 = 0
  ) {
    self.trees = trees
    self.learningRate = learningRate
    self.depth = depth
    self.minimumLeafWeight = minimumLeafWeight
    self.penalty = penalty
    self.rowShare = rowShare
    self.featureShare = featureShare
    self.denseBins = denseBins
    self.sparseBins = sparseBins
    self.patience = patience
    self.seed = seed
  }

  /// - Throws: `setting`.
  func validate() throws(LearningError) {
    let shares = [rowShare, featureShare]
    guard trees > 0, learningRate > 0, learningRate.isFinite, (1...24).contains(depth),
      minimumLeafWeight >= 0, penalty >= 0, minimumLeafWeight + penalty > 0,
      shares.allSatisfy({ $0 > 0 && $0 <= 1 }), (2...1024).contains(denseBins),
      (2...1024).contains(sparseBins), patience.map({ $0 > 0 }) ?? true
    else { throw LearningError(.setting, at: "boosting", "cannot run with \(self)") }
  }
}

/// What one more tree did.
package struct BoostingProgress: Equatable, Sendable {
  /// Trees so far.
  package var trees: Int
  package var heldOutLoss: Double?
}
