import ArgumentParser
import Decoding
import Transformer

/// Runs one kind of step a number of times and nothing else, for programs that count instructions:
/// what two runs with different numbers differ by is what the steps cost.
struct StepBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "step",
    abstract: "Run a draft step, a decode step or a verification of 4 tokens some times.",
    discussion: "Tools/kernels/count_instructions.py counts the instructions of each.")

  enum Kind: String, ExpressibleByArgument, CaseIterable {
    /// One token through a drafter, and the most likely one after it.
    case draft
    /// One token through the model, and the most likely one after it.
    case decode
    /// Four tokens through the model, a row of logits for each.
    case verify
  }

  @Argument(help: "What is run: \(Kind.allCases.map(\.rawValue).joined(separator: ", ")).")
  var kind: Kind
  @Option(help: "Model size: 110m, 28m or 3m.")
  var model = ModelSize.m3
  @Option(help: "Weight type: f32, bf16, f16 or q8.")
  var dtype = WeightType.f16
  @Option(help: "Tokens in the cache before each step.")
  var context = 128
  @Option(help: "How many times.")
  var count = 1

  func run() throws {
    let weights = try LlamaWeights(model.configuration, type: dtype)
    weights.fillRandomly(seed: 1)
    // One worker: others would spin, and what they count is time.
    let engine = try TransformerModel(weights: weights, team: WorkerTeam(threads: 1))
    let tokens = (0..<context).map { TokenID($0 &* 31 % engine.vocabularySize) }
    let prefix = Prefix(prompt: tokens, sampling: SamplingOptions())
    guard kind != .draft else {
      let drafter = try ModelDrafter(model: engine)
      for _ in 0...count {
        _ = try drafter.score(after: prefix, needs: [])
        drafter.rewind(to: prefix.count - 1)
      }
      return
    }
    let width = kind == .verify ? 4 : 1
    var output = ForwardOutput(
      vocabularySize: engine.vocabularySize, hiddenSize: engine.hiddenSize)
    let sequence = engine.openSequence()
    try engine.forward([Slice(sequence, tokens: tokens[...], rows: 1)], into: &output)
    for _ in 0...count {
      try engine.forward([Slice(sequence, tokens: tokens[..<width], rows: width)], into: &output)
      if kind == .decode { _ = output.withLogits(row: 0, prefix.distribution) }
      engine.rewind(sequence, to: context)
    }
  }
}
