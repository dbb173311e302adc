import ArgumentParser
import Learning

/// Speed of the acceptance heads: training, and one row at a time.
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
    let calls = 2_000
    let times = (0..<15).map { _ in
      ContinuousClock().measure {
        for _ in 0..<calls { network.predict(row.span, into: &outputs, workspace: &workspace) }
      }.seconds / Double(calls) * 1e6
    }
    print("  one row: \(times.median.rounded(2)) µs")
  }
}
