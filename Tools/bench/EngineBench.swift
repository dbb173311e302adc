import ArgumentParser
import CKernels
import Decoding
import Transformer

/// The cost of verifying n tokens, V(n), of the whole engine on random weights.
struct EngineBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "engine",
    abstract: "V(n)/V(1), decode speed and its share of the bandwidth floor, on random weights.")

  @Option(help: "Model size: 110m, 28m or 3m.")
  var model = ModelSize.m110
  @Option(help: "Weight type: f32, bf16, f16 or q8.")
  var dtype = WeightType.f16
  @Option(help: "Worker threads.")
  var threads = 2
  @Option(help: "Tokens in the cache before each measured forward.")
  var context = 256
  @Option(help: "Kernels: scalar, avx2, avxvnni or avx512; the best without it.")
  var kernels: String?
  @Option(help: "Rounds; each round measures every n once.")
  var repeats = 15

  enum ModelSize: String, ExpressibleByArgument, CaseIterable {
    case m110 = "110m"
    case m28 = "28m"
    case m3 = "3m"

    var configuration: LlamaConfiguration {
      switch self {
      case .m110: shape(768, 14, heads: 12, intermediate: 2560)
      case .m28: shape(512, 8, heads: 8, intermediate: 1408)
      case .m3: shape(192, 4, heads: 3, intermediate: 512, keyValueHeads: 1)
      }
    }

    private func shape(
      _ hidden: Int, _ layers: Int, heads: Int, intermediate: Int, keyValueHeads: Int? = nil
    ) -> LlamaConfiguration {
      LlamaConfiguration(
        vocabularySize: 8192, hiddenSize: hidden, intermediateSize: intermediate,
        layerCount: layers, headCount: heads, keyValueHeadCount: keyValueHeads ?? 4,
        contextLength: 2048)
    }
  }

  func run() throws {
    if let kernels, !ft_use_kernels(kernels) {
      throw ValidationError("this CPU has no kernels named '\(kernels)'")
    }
    let weights = try LlamaWeights(model.configuration, type: dtype)
    weights.fillRandomly(seed: 1)
    let engine = try TransformerModel(weights: weights, team: WorkerTeam(threads: threads))
    let sequence = engine.openSequence()
    var output = ForwardOutput(
      vocabularySize: engine.vocabularySize, hiddenSize: engine.hiddenSize)
    let prompt = (0..<context).map { TokenID($0 * 31 % 8192) }
    try engine.forward([Slice(sequence, tokens: prompt[...], rows: 0)], into: &output)

    let widths = [1, 2, 3, 4, 5, 6, 8, 12, 16]
    var times = [[Double]](repeating: [], count: widths.count)
    var floor: [Double] = []
    let reader = try BandwidthProbe(team: engine.team, bytes: weights.bytesPerStep)
    for round in 0..<repeats + 1 {
      // Twice, the second counted, like the forwards: what a large cache keeps, it keeps for both.
      _ = reader.measure()
      let read = reader.measure()
      if round > 0 { floor.append(read) }
      for (index, width) in widths.enumerated() {
        let tokens = prompt[0..<width]
        // Twice, the second counted: a draft step finds its weights in cache, as in a real round.
        for counted in [false, true] {
          let time = try ContinuousClock().measure {
            try engine.forward([Slice(sequence, tokens: tokens, rows: width)], into: &output)
          }
          engine.rewind(sequence, to: context)
          if round > 0, counted { times[index].append(time.seconds) }
        }
      }
    }

    let one = times[0].median
    print(
      """
      \(model.rawValue) \(dtype.rawValue): \(weights.configuration.parameterCount / 1_000_000) M \
      parameters, \(weights.bytesPerStep >> 20) MiB a step, \(threads) threads, \
      context \(context), \(kernels ?? "the best") kernels
      floor \((floor.median * 1e3).rounded(3)) ms \
      (\((Double(weights.bytesPerStep) / floor.median / 1e9).rounded(1)) GB/s), \
      V(1) \((one * 1e3).rounded(3)) ms: \((floor.median / one * 100).rounded(1)) % of the floor
      """)
    print("   n     ms  (quartiles)       V(n)/V(1)")
    for (width, samples) in zip(widths, times) {
      let (low, middle, high) = samples.quartiles
      print(
        "\(pad(width, 4)) \(pad((middle * 1e3).rounded(3), 7))  "
          + "(\((low * 1e3).rounded(3))-\((high * 1e3).rounded(3)))  \((middle / one).rounded(2))")
    }
  }

  private func pad(_ value: some CustomStringConvertible, _ width: Int) -> String {
    let text = value.description
    return String(repeating: " ", count: max(0, width - text.count)) + text
  }
}

extension WeightType: ExpressibleByArgument {}
