import FoundationEssentials
import Testing

@testable import Learning

@Suite struct NetworkTests {
  @Test("e^x is within two units in the last place, and finite everywhere")
  func exponential() {
    var worst: Float = 0
    for step in -870_000...880_000 where step % 7 == 0 {
      let x = Float(step) / 10_000
      let exact = Double.exp(Double(x))
      let error = Float(abs(Double(Lanes.exp(Lanes(repeating: x))[0]) - exact)) / Float(exact).ulp
      worst = max(worst, error)
    }
    #expect(worst <= 2)
    for x in [-Float.infinity, -1000, 1000, .infinity] {
      #expect(Lanes.exp(Lanes(repeating: x))[3].isFinite)
    }
    let x = Lanes(-100, -20, -1, 0, 1, 20, 100, .infinity)
    let sigmoid = Lanes.sigmoid(x)
    for lane in 0..<8 {
      #expect(abs(Double(sigmoid[lane]) - Double.sigmoid(Double(x[lane]))) < 1e-7)
    }
  }

  @Test(
    "A row of a batch is that row alone, bit for bit",
    arguments: [
      [.linear(inputs: 13, outputs: 7)], .multilayer([13, 32, 5], activation: .relu),
      .specDecPlusPlusHead(width: 13, depth: 3),
    ] as [[Layer]])
  func batchInvariance(layers: [Layer]) throws {
    var random = SeededRandom(1)
    let inputs = (0..<29 * 13).map { _ in random.normal() }
    let samples = try Samples(
      inputs: inputs, inputWidth: 13, targets: Array(repeating: 0, count: 29), targetWidth: 1)
    let network = try DenseNetwork(
      layers, standardisation: Standardisation(fitting: samples), seed: 2)
    let alone = (0..<29).flatMap { network.predict(Array(inputs[$0 * 13..<$0 * 13 + 13])) }
    for capacity in [1, 2, 3, 8, 64] {
      var workspace = NetworkWorkspace(for: network, rows: capacity)
      var outputs = [Float](repeating: 0, count: 29 * network.outputWidth)
      network.predict(inputs.span, rows: 29, into: &outputs, workspace: &workspace)
      #expect(outputs == alone)
    }
  }

  @Test("A tied block applied three times is the block written out three times")
  func tiedBlocks() throws {
    let tied = try DenseNetwork([.residualBlock(width: 5, applications: 3)], seed: 3)
    var written: [String: NamedTensor] = [:]
    for index in 0..<3 {
      written["\(index).weight"] = tied.tensors["0.weight"]
      written["\(index).bias"] = tied.tensors["0.bias"]
    }
    let untied = try DenseNetwork(
      Array(repeating: .residualBlock(width: 5), count: 3), tensors: written)
    let input: [Float] = [0.3, -1, 2, 0, -0.5]
    #expect(tied.predict(input) == untied.predict(input))
    #expect(tied.parameters.count == 30)
  }

  @Test("By hand: standardise, multiply, add, rectify")
  func byHand() throws {
    let network = try DenseNetwork(
      [.linear(inputs: 2, outputs: 2), .activation(.relu, width: 2)],
      tensors: [
        "0.weight": NamedTensor(shape: [2, 2], values: [1, 2, 3, -4]),
        "0.bias": NamedTensor(shape: [2], values: [10, -1]),
        "input.mean": NamedTensor(shape: [2], values: [1, 1]),
        "input.scale": NamedTensor(shape: [2], values: [2, 0.5]),
      ])
    // ((3, 5) - 1) * (2, 0.5) = (4, 2); W x + b = (4 + 4 + 10, 12 - 8 - 1).
    #expect(network.predict([3, 5]) == [18, 3])
    #expect(network.predict([1, 5]) == [14, 0])
  }

  @Test("Standardised inputs have mean zero and variance one, and a constant stays in place")
  func standardisation() throws {
    var random = SeededRandom(4)
    let inputs = (0..<1000).map { $0 % 2 == 0 ? 7 + 3 * random.normal() : 4.25 }
    let samples = try Samples(
      inputs: inputs, inputWidth: 2, targets: Array(repeating: 0, count: 500), targetWidth: 1)
    let fit = Standardisation(fitting: samples)
    var rows = inputs
    rows.withUnsafeMutableBufferPointer { if let x = $0.baseAddress { fit.apply(x, rows: 500) } }
    let first = stride(from: 0, to: 1000, by: 2).map { Double(rows[$0]) }
    #expect(abs(first.reduce(0, +) / 500) < 1e-6)
    #expect(abs(first.map { $0 * $0 }.reduce(0, +) / 500 - 1) < 1e-5)
    #expect(stride(from: 1, to: 1000, by: 2).allSatisfy { rows[$0] == 0 })
    #expect(fit.scale[1] == 1)
  }

  @Test("Parameters go out by name and come back, and through JSON, without a changed bit")
  func roundTrip() throws {
    let layers: [Layer] = [
      .residualBlock(width: 4, applications: 2), .activation(.silu, width: 4),
      .linear(inputs: 4, outputs: 3),
    ]
    let standardisation = try Standardisation(mean: [1, 2, 3, 4], scale: [1, 0.5, 2, 1])
    let network = try DenseNetwork(layers, standardisation: standardisation, seed: 5)
    #expect(try DenseNetwork(layers, tensors: network.tensors) == network)
    #expect(network.tensors["2.weight"]?.shape == [3, 4])
    let json = try JSONEncoder().encode(network)
    #expect(try JSONDecoder().decode(DenseNetwork.self, from: json) == network)
    #expect(network != (try DenseNetwork(layers, standardisation: standardisation, seed: 6)))
  }

  @Test("What does not fit is refused, and the error says where")
  func errors() throws {
    func error(_ body: () throws -> Void) -> LearningError? {
      do { try body() } catch { return error as? LearningError }
      return nil
    }
    let unfit = error {
      _ = try DenseNetwork([.linear(inputs: 2, outputs: 3), .residualBlock(width: 4)], seed: 0)
    }
    #expect(unfit?.code == .shape)
    #expect(unfit?.description == "layer 1: takes 4 values and layer 0 gives 3")
    for layers in [[], [.linear(inputs: 0, outputs: 1)], [.linear(inputs: 1 << 40, outputs: 1)]]
      as [[Layer]]
    {
      #expect(error { _ = try DenseNetwork(layers, seed: 0) }?.code == .setting)
    }
    let network = try DenseNetwork([.linear(inputs: 2, outputs: 1)], seed: 0)
    var tensors = network.tensors
    tensors["0.bias"] = nil
    #expect(error { _ = try DenseNetwork(network.layers, tensors: tensors) }?.place == "0.bias")
    tensors["0.bias"] = NamedTensor(shape: [1], values: [.nan])
    #expect(error { _ = try DenseNetwork(network.layers, tensors: tensors) }?.code == .parameters)
    tensors["0.bias"] = NamedTensor(shape: [1], values: [0, 0])
    #expect(error { _ = try DenseNetwork(network.layers, tensors: tensors) }?.code == .parameters)
    let broken = Data(
      #"{"layers":[{"linear":{"inputs":2,"outputs":1}}],"parameters":[1,2]}"#.utf8)
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(DenseNetwork.self, from: broken)
    }
    #expect(
      error { _ = try samples([.nan, 1], targets: [0]) }?.place == "samples, row 0, column 0")
    #expect(error { _ = try samples([0, 1, 2], targets: [0]) }?.code == .shape)
    #expect(error { _ = try samples([], targets: []) }?.code == .tooFewSamples)
    #expect(
      error {
        _ = try network.meanLoss(SoftLabelCrossEntropy(), on: samples([1, 1], targets: [2]))
      }?
      .description == "samples, row 0: the label is 2.0 and not a probability")
    #expect(
      error {
        _ = try network.meanLoss(SquaredError(outputs: 2), on: samples([1, 1], targets: [2]))
      }?
      .code == .shape)
  }

  private func samples(_ inputs: [Float], targets: [Float]) throws(LearningError) -> Samples {
    try Samples(inputs: inputs, inputWidth: 2, targets: targets, targetWidth: 1)
  }
}
