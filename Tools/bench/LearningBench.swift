import ArgumentParser
import Learning

/// Speed of what learns: training, and one row at a time.
struct LearningBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "learning", abstract: "Training and inference speed of the networks and the trees."
  )

  @Option(help: "Inputs of the network.")
  var inputs = 576
  @Option(help: "Width of the hidden layer.")
  var hidden = 160
  @Option(help: "Rows to train on.")
  var rows = 20_000
  @Option(help: "Rows of a minibatch.")
  var batch = 256

  func run() throws {
    try benchNetwork("multilayer", .multilayer([inputs, hidden, 1]), .init())
    try benchNetwork(
      "SpecDec++ head", .specDecPlusPlusHead(width: inputs / 2), .init(link: .twoClassSoftmax))
    try benchTrees()
  }

  private func benchNetwork(
    _ name: String, _ layers: [Layer], _ loss: SoftLabelCrossEntropy
  ) throws {
    let network = try DenseNetwork(layers, seed: 1)
    var random = SeededRandom(2)
    let width = network.inputWidth
    let samples = try Samples(
      inputs: (0..<rows * width).map { _ in random.normal() }, inputWidth: width,
      targets: (0..<rows).map { _ in random.uniform() }, targetWidth: 1)
    print("\(name): \(width) inputs, \(network.parameters.count) parameters")
    for threads in [1, 2] {
      let trainer = try Trainer(
        network, loss: loss, training: samples,
        settings: .init(epochs: 1, batchSize: batch), threads: threads)
      let seconds = try ContinuousClock().measure { try trainer.run() }.seconds
      print("  training, \(threads) threads: \(Int(Double(rows) / seconds)) rows/s")
    }

    var workspace = NetworkWorkspace(for: network)
    var outputs = [Float](repeating: 0, count: network.outputWidth)
    let row = Array(samples.inputs[..<width])
    report("one row") { network.predict(row.span, into: &outputs, workspace: &workspace) }
  }

  /// Texts of 20 to 300 words, drawn with the frequencies of a language (Zipf).
  private func benchTrees() throws {
    var random = SeededRandom(3)
    let texts = (0..<rows).map { _ in
      (0..<20 + Int(280 * random.uniform())).map { _ in
        "word\(Int(1 / (random.uniform() + 1e-4)))"
      }.joined(separator: " ")
    }
    let grams = try HashedNGrams()
    var table = FeatureTable(
      denseWidth: LexicalCounts.names.count, sparseWidth: grams.buckets)
    for text in texts {
      try table.append(
        dense: LexicalCounts(of: text).features, sparse: grams.features(of: text))
    }
    let targets = texts.map { Float($0.utf8.count) * (0.5 + random.uniform()) }
    print("trees: \(rows) texts, \(texts.map(\.utf8.count).reduce(0, +) / rows) bytes each")
    let settings = BoostingSettings(trees: 100)
    let booster = try GradientBooster(training: table, targets: targets, settings: settings)
    var ensemble: TreeEnsemble?
    let seconds = try ContinuousClock().measure {
      ensemble = try booster.fit(.quantile(level: 0.5))
    }.seconds
    print("  training: \((1000 * seconds / 100).rounded(1)) ms a tree")

    guard let ensemble else { return }
    var row = FeatureRow(denseWidth: table.denseWidth, sparseWidth: table.sparseWidth)
    var index = 0
    func next() -> String {
      index = (index + 1) % texts.count
      return texts[index]
    }
    var sink: Float = 0
    report("lexical counts") { sink += LexicalCounts(of: next()).features[0] }
    report("hashed n-grams") { sink += grams.features(of: next()).values.first ?? 0 }
    let features = texts.prefix(500).map { text in
      (LexicalCounts(of: text).features, grams.features(of: text))
    }
    report("\(ensemble.treeCount) trees") {
      index = (index + 1) % features.count
      try? row.load(dense: features[index].0, sparse: features[index].1)
      sink += ensemble.predict(row)
    }
    if sink.isNaN { print("the results were not numbers") }
  }

  /// Prints the median time of a call.
  private func report(_ name: String, _ body: () -> Void) {
    let calls = 2_000
    let times = (0..<15).map { _ in
      ContinuousClock().measure { for _ in 0..<calls { body() } }.seconds / Double(calls) * 1e6
    }
    print("  \(name): \(times.median.rounded(2)) µs")
  }
}
