/// Grows ensembles of regression trees by gradient boosting (Friedman 2001) over histograms.
///
/// The features are cut into bins once, for as many ensembles as wanted: say, one for each quantile.
/// The result is decided by the data and the settings, also when several are grown at once.
package struct GradientBooster: Sendable {
  private let training: BinnedTable
  private let heldOut: BinnedTable?
  private let targets: [Float]
  private let heldOutTargets: [Float]
  private let weights: [Float]
  private let draws: Int
  private let settings: BoostingSettings
  private let denseWidth: Int
  private let sparseWidth: Int
  /// Those with more than one bin.
  private let features: [Int32]

  /// - Parameters:
  ///   - targets: `(rows, draws)`: numbers, or places on the line of bins for hazards (`HazardLoss`).
  ///     NaN for a draw that is missing.
  ///   - weights: how much each training row counts; empty for alike. Means of one keep the settings'
  ///     meaning.
  ///   - heldOut: Rows to stop by. Without patience they are only scored.
  /// - Throws: `setting`, `shape` or `tooFewSamples` when the parts make no sense together.
  package init(
    training: FeatureTable, targets: [Float], draws: Int = 1, weights: [Float] = [],
    heldOut: (features: FeatureTable, targets: [Float])? = nil, settings: BoostingSettings = .init()
  ) throws(LearningError) {
    try settings.validate()
    guard training.count > 0, heldOut.map({ $0.features.count > 0 }) ?? true else {
      throw LearningError(.tooFewSamples, at: "boosting", "a table has no rows")
    }
    if let heldOut,
      heldOut.features.denseWidth != training.denseWidth
        || heldOut.features.sparseWidth != training.sparseWidth
    {
      throw LearningError(.shape, at: "boosting", "the held-out rows have other features")
    }
    if settings.patience != nil, heldOut == nil {
      throw LearningError(.setting, at: "boosting", "patience needs held-out rows")
    }
    let bins = FeatureBins(
      fitting: training, denseBins: settings.denseBins, sparseBins: settings.sparseBins,
      minimumRows: Int(min(settings.minimumLeafWeight, 1e6)))
    self.training = BinnedTable(training, bins: bins)
    self.heldOut = heldOut.map { BinnedTable($0.features, bins: bins) }
    self.targets = targets
    heldOutTargets = heldOut?.targets ?? []
    self.weights = weights
    self.draws = draws
    self.settings = settings
    denseWidth = training.denseWidth
    sparseWidth = training.sparseWidth
    features = (0..<Int32(bins.featureCount)).filter { !bins.cuts[Int($0)].isEmpty }
  }

  /// Grows one ensemble. `report` is called after each tree.
  ///
  /// - Throws: `shape`, `value` or `setting` when the targets do not suit the objective.
  package func fit(
    _ objective: TreeObjective, report: (BoostingProgress) -> Void = { _ in }
  ) throws(LearningError) -> TreeEnsemble {
    let target = try BoostingTarget(
      objective, targets: targets, draws: draws, count: training.count, weights: weights)
    let heldOutTarget: BoostingTarget? =
      if let heldOut {
        try BoostingTarget(
          objective, targets: heldOutTargets, draws: draws, count: heldOut.count)
      } else { nil }
    let (base, outputs) = (target.base, target.outputs)
    var scores = Self.repeated(base, training.count)
    var heldOutScores = Self.repeated(base, heldOut?.count ?? 0)
    var derivatives = [SIMD2<Float>](repeating: .zero, count: training.count * (outputs + 1))
    let grower = TreeGrower(training, outputs: outputs, settings: settings)
    var nodes: [TreeNode] = []
    var roots: [Int32] = []
    var best = (loss: Double.infinity, trees: 0)

    for tree in 0..<settings.trees {
      var random = SeededRandom(settings.seed, UInt64(tree))
      target.derivatives(scores, into: &derivatives)
      let grown = grower.grow(
        rows: sample(0..<Int32(training.count), settings.rowShare, &random),
        features: sample(features, settings.featureShare, &random), derivatives: &derivatives
      ) { [scores] rows, sums in
        target.step(rows, scores, sums: sums, penalty: settings.penalty)
      }
      grown.apply(to: &scores, training, outputs: outputs)
      roots.append(Int32(nodes.count))
      let offset = Int32(nodes.count)
      nodes += grown.nodes.map {
        $0.feature == TreeNode.leaf
          ? $0 : TreeNode(feature: $0.feature, threshold: $0.threshold, left: $0.left + offset)
      }
      var progress = BoostingProgress(trees: tree + 1)
      if let heldOut, let heldOutTarget {
        grown.apply(to: &heldOutScores, heldOut, outputs: outputs)
        let loss = heldOutTarget.meanLoss(heldOutScores)
        progress.heldOutLoss = loss
        if loss < best.loss { best = (loss, tree + 1) }
      }
      report(progress)
      if let patience = settings.patience, tree + 1 - best.trees >= patience { break }
    }
    if settings.patience != nil, best.trees < roots.count {
      nodes.removeSubrange(Int(roots[best.trees])...)
      roots.removeSubrange(best.trees...)
    }
    return try TreeEnsemble(
      denseWidth: denseWidth, sparseWidth: sparseWidth, base: base, nodes: nodes, roots: roots)
  }

  /// Grows one ensemble for each objective, several at once.
  ///
  /// - Throws: as `fit` of one, for the first that fails.
  package func fit(
    _ objectives: [TreeObjective], threads: Int
  ) throws(LearningError) -> [TreeEnsemble] {
    var results = [Result<TreeEnsemble, LearningError>?](repeating: nil, count: objectives.count)
    results.withUnsafeMutableBufferPointer { results in
      forEachPart(objectives.count, threads: threads) { index in
        do throws(LearningError) {
          results[index] = .success(try fit(objectives[index]))
        } catch {
          results[index] = .failure(error)
        }
      }
    }
    var ensembles: [TreeEnsemble] = []
    for case .some(let result) in results { ensembles.append(try result.get()) }
    return ensembles
  }

  /// Each element with a probability of `share`, in order; never none.
  private func sample(
    _ elements: some Collection<Int32>, _ share: Float, _ random: inout SeededRandom
  ) -> [Int32] {
    guard share < 1 else { return Array(elements) }
    let chosen = elements.filter { _ in random.uniform() < share }
    return chosen.isEmpty ? Array(elements.prefix(1)) : chosen
  }

  private static func repeated(_ base: [Float], _ count: Int) -> [Float] {
    var scores: [Float] = []
    scores.reserveCapacity(base.count * count)
    for _ in 0..<count { scores += base }
    return scores
  }
}
