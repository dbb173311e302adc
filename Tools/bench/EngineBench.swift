import ArgumentParser
import CKernels
import FoundationEssentials
import Transformer

/// The cost of verifying n tokens, V(n), of reading a prompt and of a draft step.
struct EngineBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "engine",
    abstract: "V(n)/V(1), decode speed and its share of the bandwidth floor, prefill, sampling.",
    discussion: "On random weights, or on those of a folder: config.json and the weights.")

  @Option(help: "Model size: 1.1b, 135m, 110m, 28m or 3m.")
  var model = ModelSize.m110
  @Option(help: "A model folder instead of random weights.")
  var folder: String?
  @Option(help: "Weight type: f32, bf16, f16, q8 or q4.")
  var dtype = WeightType.f16
  @Option(help: "Worker threads.")
  var threads = 2
  @Option(
    parsing: .upToNextOption, help: "Tokens in the cache before each measured forward.")
  var context = [256]
  @Option(parsing: .upToNextOption, help: "Tokens of the measured forwards, the first being 1.")
  var widths = [1, 2, 3, 4, 5, 6, 8, 12, 16]
  @Option(parsing: .upToNextOption, help: "Lengths of prompts to read.")
  var prefill: [Int] = []
  @Option(help: "Kernels: scalar, avx2, avxvnni, avx512, neon or neondot; the best without it.")
  var kernels: String?
  @Option(help: "Rounds; each round measures everything once.")
  var repeats = 15
  @Flag(help: "Print a JSON object; times are in seconds.")
  var json = false

  func run() throws {
    if let kernels, !ft_use_kernels(kernels) {
      throw ValidationError("this CPU has no kernels named '\(kernels)'")
    }
    let measurement = EngineMeasurement(
      contexts: context, widths: widths, prompts: prefill, repeats: repeats)
    let engine = try TransformerModel(weights: weights(), team: WorkerTeam(threads: threads))
    let times = try measurement.run(engine, name: folder ?? model.rawValue)
    if json {
      let encoder = JSONEncoder()
      encoder.keyEncodingStrategy = .convertToSnakeCase
      encoder.outputFormatting = [.sortedKeys]
      print(String(decoding: try encoder.encode(times), as: UTF8.self))
    } else {
      report(times)
    }
  }

  private func weights() throws -> LlamaWeights {
    guard let folder else {
      let weights = try LlamaWeights(model.configuration, type: dtype)
      weights.fillRandomly(seed: 1)
      return weights
    }
    return try LlamaWeights(
      Checkpoint(path: folder),
      configuration: LlamaConfiguration(contentsOf: folder + "/config.json"),
      type: dtype, threads: threads)
  }

  private func report(_ times: EngineTimes) {
    func milliseconds(_ seconds: Double) -> Double { (seconds * 1e3).rounded(3) }
    print(
      """
      \(times.model) \(times.dtype): \(times.parameters / 1_000_000) M parameters, \
      \(times.weightBytes >> 20) MiB a step, \(times.threads) threads, \(times.kernels) kernels
      floor \(milliseconds(times.floor)) ms \
      (\((Double(times.weightBytes) / times.floor / 1e9).rounded(1)) GB/s; \
      \((0.256 / times.largeRead).rounded(1)) GB/s from 256 MB)
      """)
    for context in context {
      let steps = times.verify.filter { $0.context == context }
      guard let one = steps.first else { continue }
      print(
        "context \(context): V(1) \(milliseconds(one.median)) ms: "
          + "\((times.floor / one.median * 100).rounded(1)) % of the floor")
      print("   n     ms  (quartiles)       V(n)/V(1)")
      for step in steps {
        print(
          "\(pad(step.tokens, 4)) \(pad(milliseconds(step.median), 7))  "
            + "(\(milliseconds(step.lowerQuartile))-\(milliseconds(step.upperQuartile)))  "
            + "\((step.median / one.median).rounded(2))")
      }
    }
    for step in times.prefill {
      print(
        "prefill \(step.tokens): \(milliseconds(step.median)) ms "
          + "(\(milliseconds(step.lowerQuartile))-\(milliseconds(step.upperQuartile)))")
    }
    if let step = times.draftStep {
      print(
        "draft step with greedy sampling: \(milliseconds(step.median)) ms "
          + "(\(milliseconds(step.lowerQuartile))-\(milliseconds(step.upperQuartile)))")
    }
    print(
      "sampling: greedy \((times.greedySampling * 1e6).rounded(2)) us, "
        + "full chain \((times.chainSampling * 1e6).rounded(2)) us")
  }

  private func pad(_ value: some CustomStringConvertible, _ width: Int) -> String {
    let text = value.description
    return String(repeating: " ", count: max(0, width - text.count)) + text
  }
}

extension WeightType: ExpressibleByArgument {}
