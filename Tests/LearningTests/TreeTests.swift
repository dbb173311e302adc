import Testing

@testable import Learning

@Suite struct TreeTests {
  private var random = SeededRandom(1)

  private func table(_ columns: [[Float]]) throws -> FeatureTable {
    var table = FeatureTable(denseWidth: columns.count)
    for row in 0..<(columns.first?.count ?? 0) { try table.append(dense: columns.map { $0[row] }) }
    return table
  }

  private func predictions(_ ensemble: TreeEnsemble, _ rows: [[Float]]) throws -> [Float] {
    var row = FeatureRow(denseWidth: ensemble.denseWidth, sparseWidth: ensemble.sparseWidth)
    var values: [Float] = []
    for dense in rows {
      try row.load(dense: dense)
      values.append(ensemble.predict(row))
    }
    return values
  }

  @Test("One question, by hand: the cut lies between the groups, each leaf is its mean")
  func byHand() throws {
    let settings = BoostingSettings(
      trees: 1, learningRate: 1, depth: 1, minimumLeafWeight: 1, penalty: 0)
    let booster = try GradientBooster(
      training: table([[1, 2, 10, 11], [5, 5, 5, 5]]), targets: [1, 3, 7, 9], settings: settings)
    let ensemble = try booster.fit(.mean)
    #expect(ensemble.base == [5])
    #expect(
      ensemble.nodes == [
        TreeNode(feature: 0, threshold: 6, left: 1), TreeNode(feature: -1, threshold: -3, left: 0),
        TreeNode(feature: -1, threshold: 3, left: 0),
      ])
    #expect(try predictions(ensemble, [[6, 0], [6.1, 0]]) == [2, 8])

    // The penalty pulls the steps of two rows by 2 / (2 + 2), the learning rate by another half.
    var shrunk = settings
    (shrunk.penalty, shrunk.learningRate) = (2, 0.5)
    let careful = try GradientBooster(
      training: table([[1, 2, 10, 11], [5, 5, 5, 5]]), targets: [1, 3, 7, 9], settings: shrunk)
    #expect(try predictions(careful.fit(.mean), [[6, 0], [6.1, 0]]) == [5 - 0.75, 5 + 0.75])

    // With at least three rows a leaf there is nothing to ask.
    var stiff = settings
    stiff.minimumLeafWeight = 3
    let stump = try GradientBooster(
      training: table([[1, 2, 10, 11], [5, 5, 5, 5]]), targets: [1, 3, 7, 9], settings: stiff)
    #expect(try predictions(stump.fit(.mean), [[6, 0], [6.1, 0]]) == [5, 5])
  }

  @Test("Log-odds by hand: from the odds of all labels, a Newton step in each leaf")
  func logOddsByHand() throws {
    let booster = try GradientBooster(
      training: table([[0, 0, 1, 1]]), targets: [0, 0.5, 0.5, 1],
      settings: .init(trees: 1, learningRate: 1, depth: 1, minimumLeafWeight: 0.1, penalty: 0))
    let ensemble = try booster.fit(.logOdds)
    #expect(ensemble.base == [0])
    // Derivatives of each half: 0.5 + 0 or 0 - 0.5, over 0.25 + 0.25.
    #expect(try predictions(ensemble, [[0], [1]]) == [-1, 1])
    let impossible = try GradientBooster(training: table([[0, 1]]), targets: [0, 1.5])
    #expect(throws: LearningError.self) { try impossible.fit(.logOdds) }
  }

  @Test("A quantile goes to the quantile of each leaf, over all draws that are there")
  func quantileByHand() throws {
    let booster = try GradientBooster(
      training: table([[0, 0, 1, 1]]),
      targets: [1, 2, 3, 4, 10, .nan, 20, 30], draws: 2,
      settings: .init(trees: 1, learningRate: 1, depth: 1, minimumLeafWeight: 1, penalty: 0))
    let ensemble = try booster.fit(.quantile(level: 0.5))
    #expect(ensemble.base == [4])
    #expect(try predictions(ensemble, [[0], [1]]) == [2, 20])
    #expect(try predictions(booster.fit(.quantile(level: 0.9)), [[0], [1]]) == [4, 30])
  }

  @Test("A weight of two is worth the same row twice, for means, quantiles and hazards")
  func weights() throws {
    let settings = BoostingSettings(
      trees: 3, learningRate: 0.5, depth: 2, minimumLeafWeight: 1, penalty: 0.5)
    let targets: [Float] = [1, 4, 0, 3, 2, 4]
    let weighted = try GradientBooster(
      training: table([[0, 0, 1, 1, 2, 2]]), targets: targets, weights: [1, 2, 1, 1, 2, 1],
      settings: settings)
    let repeated = try GradientBooster(
      training: table([[0, 0, 0, 1, 1, 2, 2, 2]]), targets: [1, 4, 4, 0, 3, 2, 2, 4],
      settings: settings)
    for objective in [.mean, .quantile(level: 0.6), .hazard(bins: 5)] as [TreeObjective] {
      let (once, twice) = try (weighted.fit(objective), repeated.fit(objective))
      var row = FeatureRow(denseWidth: 1, sparseWidth: 0)
      for x: Float in [0, 1, 2] {
        try row.load(dense: [x])
        var (left, right) = (once.base, twice.base)
        once.predict(row, into: &left)
        twice.predict(row, into: &right)
        for (a, b) in zip(left, right) { #expect(abs(a - b) < 1e-4) }
      }
    }
    let wrong = try GradientBooster(
      training: table([[0, 1]]), targets: [1, 2], weights: [1, 0], settings: settings)
    #expect(throws: LearningError.self) { try wrong.fit(.mean) }
  }

  @Test("Steps and an interaction are recovered, and every tree lowers the training loss")
  mutating func recovers() throws {
    let columns = (0..<4).map { _ in (0..<3000).map { _ in random.uniform() } }
    func truth(_ row: [Float]) -> Float {
      (row[0] > 0.3 ? 4 : 0) + (row[1] > 0.5 && row[2] > 0.5 ? 3 : 0)
    }
    let rows = (0..<3000).map { row in columns.map { $0[row] } }
    let training = try table(columns)
    let targets = rows.map(truth)
    let booster = try GradientBooster(
      training: training, targets: targets, heldOut: (training, targets),
      settings: .init(trees: 60, depth: 3, denseBins: 256))
    var losses: [Double] = []
    let ensemble = try booster.fit(.mean) { losses.append($0.heldOutLoss ?? .nan) }
    #expect(zip(losses, losses.dropFirst()).allSatisfy { $0 >= $1 })
    let new = (0..<500).map { _ in (0..<4).map { _ in random.uniform() } }
    let error = zip(try predictions(ensemble, new), new.map(truth)).map { ($0 - $1) * ($0 - $1) }
    #expect(error.reduce(0, +) / 500 < 0.06)
    // What was scored in bins is what is predicted from numbers.
    let again = zip(try predictions(ensemble, rows), targets).map { ($0 - $1) * ($0 - $1) }
    #expect(abs(Double(again.reduce(0, +)) / 3000 - (losses.last ?? 0)) < 1e-6)
  }

  @Test("Quantiles of noise whose width depends on a feature cover what they say")
  mutating func quantiles() throws {
    func draw() -> (x: Float, y: Float) {
      let x = random.uniform()
      return (x, 10 * x + (x > 0.5 ? 4 : 1) * random.normal())
    }
    let (training, new) = ((0..<4000).map { _ in draw() }, (0..<4000).map { _ in draw() })
    let booster = try GradientBooster(
      training: table([training.map(\.x)]), targets: training.map(\.y),
      settings: .init(trees: 80, depth: 3))
    let levels: [Float] = [0.1, 0.5, 0.9]
    let ensembles = try booster.fit(levels.map { .quantile(level: $0) }, threads: 2)
    for (level, ensemble) in zip(levels, ensembles) {
      for half in [false, true] {
        let part = new.filter { ($0.x > 0.5) == half }
        let scores = try QuantileForecasts(
          level: Double(level),
          predictions: predictions(ensemble, part.map { [$0.x] }).map { Double($0) },
          outcomes: part.map { Double($0.y) })
        #expect(abs(scores.coverage - Double(level)) < 0.04)
      }
    }
    #expect(try booster.fit(.quantile(level: 0.5)) == ensembles[1])
  }

  @Test("Hazards that are not proportional are recovered, from ended and censored draws")
  mutating func hazards() throws {
    // One group ends early, the other late; one in five is lost from sight at a random bin.
    let truth: [[Float]] = [[0.5, 0.3, 0.2, 0.1, 0.1], [0.05, 0.1, 0.2, 0.4, 0.6]]
    var targets: [Float] = []
    let groups = (0..<4000).map { _ in random.below(2) }
    for group in groups {
      let limit = random.uniform() < 0.2 ? random.below(5) : 5
      let end = truth[group].prefix(limit).firstIndex { random.uniform() < $0 }
      targets.append(
        end.map { HazardLoss.ended(in: $0) } ?? HazardLoss.censored(before: limit))
    }
    let noise = groups.map { _ in random.uniform() }
    let training = try table([groups.map { Float($0) }, noise])
    let booster = try GradientBooster(
      training: training, targets: targets, heldOut: (training, targets),
      settings: .init(trees: 60, depth: 4, minimumLeafWeight: 10))
    var losses: [Double] = []
    let ensemble = try booster.fit(.hazard(bins: 5)) { losses.append($0.heldOutLoss ?? .nan) }
    #expect(zip(losses, losses.dropFirst()).allSatisfy { $0 >= $1 - 1e-9 })
    #expect(ensemble.nodes.contains { $0.feature == TreeNode.timeSplit })
    var row = FeatureRow(denseWidth: 2, sparseWidth: 0)
    var logits = [Float](repeating: 0, count: 5)
    for group in 0..<2 {
      try row.load(dense: [Float(group), 0.5])
      ensemble.predict(row, into: &logits)
      for bin in 0..<5 {
        let hazard = Double.sigmoid(Double(logits[bin]))
        #expect(abs(hazard - Double(truth[group][bin])) < 0.1, "group \(group), bin \(bin)")
      }
    }
    // The loss is that of the networks.
    let loss = try HazardLoss(bins: 5)
    var (sum, slopes) = (0.0, [Float](repeating: 0, count: 5))
    for index in targets.indices {
      try row.load(dense: [Float(groups[index]), noise[index]])
      ensemble.predict(row, into: &logits)
      var span = slopes.mutableSpan
      sum += Double(loss.evaluate(logits.span, [targets[index]].span, gradient: &span))
    }
    #expect(abs(sum / 4000 - (losses.last ?? 0)) < 1e-6)
  }

  @Test("A column gives the same trees dense and sparse")
  mutating func sparse() throws {
    let columns = (0..<6).map { _ in
      (0..<800).map { _ in random.uniform() < 0.7 ? 0 : Float(random.below(5)) - 1.5 }
    }
    let targets = (0..<800).map { columns[0][$0] * 2 - columns[3][$0] + 0.1 * random.normal() }
    var sparse = FeatureTable(denseWidth: 2, sparseWidth: 4)
    for row in 0..<800 {
      let listed = (2..<6).filter { columns[$0][row] != 0 }
      try sparse.append(
        dense: [columns[0][row], columns[1][row]],
        sparse: SparseVector(
          indices: listed.map { Int32($0 - 2) }, values: listed.map { columns[$0][row] }))
    }
    let settings = BoostingSettings(trees: 20, depth: 4, sparseBins: 64)
    let one = try GradientBooster(training: table(columns), targets: targets, settings: settings)
      .fit(.mean)
    let other = try GradientBooster(training: sparse, targets: targets, settings: settings)
      .fit(.mean)
    #expect(one.nodes == other.nodes)

    // A row forgets the one before it.
    var row = FeatureRow(denseWidth: 2, sparseWidth: 4)
    try row.load(dense: [0.5, 1], sparse: SparseVector(indices: [1, 3], values: [2, -1]))
    try row.load(dense: [0.5, 1], sparse: SparseVector(indices: [0], values: [1]))
    #expect(row.values == [0.5, 1, 1, 0, 0, 0])
    #expect(throws: LearningError.self) {
      try row.load(dense: [1, 1], sparse: SparseVector(indices: [4], values: [1]))
    }
  }

  @Test("The seed decides the samples of rows and features, and with them the trees")
  mutating func seeds() throws {
    let columns = (0..<3).map { _ in (0..<500).map { _ in random.uniform() } }
    let targets = columns[0].map { $0 + random.normal() }
    func fit(_ seed: UInt64) throws -> TreeEnsemble {
      try GradientBooster(
        training: table(columns), targets: targets,
        settings: .init(trees: 10, rowShare: 0.5, featureShare: 0.7, seed: seed)
      ).fit(.mean)
    }
    #expect(try fit(1) == fit(1))
    #expect(try fit(1) != fit(2))
  }

  @Test("Growing stops when held-out rows no longer gain, and the best trees are kept")
  mutating func earlyStopping() throws {
    func noisy(_ count: Int) throws -> (FeatureTable, [Float]) {
      let x = (0..<count).map { _ in random.uniform() }
      return (try table([x]), x.map { $0 + random.normal() })
    }
    let (training, heldOut) = (try noisy(300), try noisy(300))
    let booster = try GradientBooster(
      training: training.0, targets: training.1, heldOut: (heldOut.0, heldOut.1),
      settings: .init(trees: 400, minimumLeafWeight: 5, patience: 10))
    var losses: [Double] = []
    let ensemble = try booster.fit(.mean) { losses.append($0.heldOutLoss ?? .nan) }
    #expect(losses.count < 400 && ensemble.treeCount == losses.count - 10)
    #expect(losses[ensemble.treeCount - 1] == losses.min())
  }

  @Test("Trees go out by name and come back, and what is no tree is refused")
  mutating func tensors() throws {
    let columns = (0..<2).map { _ in (0..<300).map { _ in random.uniform() } }
    let ensemble = try GradientBooster(
      training: table(columns), targets: columns[0], settings: .init(trees: 5)
    ).fit(.mean)
    #expect(try TreeEnsemble(tensors: ensemble.tensors) == ensemble)
    for (name, value) in [
      ("nodes.left", 0), ("nodes.left", 1e6), ("nodes.left", 0.5), ("nodes.feature", 2),
      ("nodes.feature", -3), ("roots", -1), ("nodes.threshold", .nan), ("base", .infinity),
      ("widths", -1),
    ] as [(String, Float)] {
      var broken = ensemble.tensors
      broken[name]?.values[0] = value
      #expect(throws: LearningError.self, "\(name) of \(value)") {
        try TreeEnsemble(tensors: broken)
      }
    }
    for name in ensemble.tensors.keys {
      var broken = ensemble.tensors
      broken[name] = nil
      #expect(throws: LearningError.self) { try TreeEnsemble(tensors: broken) }
    }
  }

  @Test("Bad tables, targets and settings are refused, and the error says where")
  func errors() throws {
    var table = FeatureTable(denseWidth: 1, sparseWidth: 4)
    #expect(throws: LearningError.self) { try table.append(dense: []) }
    #expect(throws: LearningError.self) { try table.append(dense: [.nan]) }
    for indices in [[0, 0], [2, 1], [-1, 1], [1, 4]] as [[Int32]] {
      #expect(throws: LearningError.self) {
        try table.append(dense: [0], sparse: SparseVector(indices: indices, values: [1, 1]))
      }
    }
    #expect(throws: LearningError.self) { try GradientBooster(training: table, targets: []) }
    try table.append(dense: [1])
    try table.append(dense: [2])
    func fit(_ targets: [Float], _ objective: TreeObjective) -> LearningError? {
      do throws(LearningError) {
        _ = try GradientBooster(training: table, targets: targets).fit(objective)
        return nil
      } catch { return error }
    }
    #expect(fit([1], .mean)?.code == .shape)
    #expect(fit([1, .nan], .mean)?.description == "targets, row 1: has no draw")
    #expect(fit([.infinity, 1], .mean)?.place == "targets, row 0")
    #expect(fit([1, 1], .quantile(level: 1))?.code == .setting)
    #expect(fit([1, 9], .hazard(bins: 3))?.place == "targets, row 1")
    #expect(fit([1, 1], .mean) == nil)
    for settings in [
      BoostingSettings(trees: 0), .init(depth: 99), .init(minimumLeafWeight: 0, penalty: 0),
      .init(rowShare: 0), .init(denseBins: 1), .init(patience: 3),
    ] {
      #expect(throws: LearningError.self) {
        try GradientBooster(training: table, targets: [1, 2], settings: settings)
      }
    }
  }
}
