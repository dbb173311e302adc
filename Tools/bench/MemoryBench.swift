import ArgumentParser
import Decoding
import FoundationEssentials
import Transformer

/// What a model takes of memory, to its peak, and whether its text is the same with a draft.
struct MemoryBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "memory",
    abstract: "Loads a model, answers with and without a draft, and sets the peak against weights.",
    discussion: """
      The allowance is 1.1 * (weights + keys and values + 200 MB). Exit code 1 when the peak is above \
      it, or when speculative text is not plain text.
      """)

  @Argument(help: "Folder of the target: config.json and the weights.")
  var folder: String
  @Option(help: "Folder of a draft with the same tokens.")
  var draft: String?
  @Option(help: "Weight type of the target.")
  var dtype = WeightType.q8
  @Option(help: "Weight type of the draft.")
  var draftDtype = WeightType.q8
  @Option(help: "Tokens of the prompt.")
  var prompt = 256
  @Option(help: "Tokens of the answer.")
  var tokens = 48
  @Option(help: "Candidates of a round.")
  var draftTokens = 3
  @Option(help: "Worker threads.")
  var threads = 2

  func run() throws {
    let team = try WorkerTeam(threads: threads)
    var expected = 200_000_000
    func load(_ folder: String, _ type: WeightType) throws -> TransformerModel {
      let configuration = try LlamaConfiguration(contentsOf: folder + "/config.json")
      let begin = ContinuousClock.now
      let weights = try LlamaWeights(
        Checkpoint(path: folder), configuration: configuration, type: type, threads: threads)
      let seconds = (ContinuousClock.now - begin).seconds
      let positions = prompt + tokens + draftTokens + 1
      let cache =
        8 * configuration.layerCount * configuration.keyValueHeadCount * configuration.headSize
        * positions
      expected += weights.byteCount + cache
      print(
        "\(folder): \(configuration.parameterCount / 1_000_000) M parameters as \(type), "
          + "\(megabytes(weights.byteCount)) MB, loaded in \(seconds.rounded(2)) s; keys and values "
          + "\(megabytes(cache)) MB")
      return try TransformerModel(weights: weights, team: team)
    }
    let target = try load(folder, dtype)
    let loaded = peak
    let drafter = try draft.map { try load($0, draftDtype) }
    let plain = try answer(target, nil)
    print("plain: \(rate(plain)) tokens/s")
    var isSame = true
    if let drafter {
      let drafted = try answer(target, drafter)
      isSame = drafted.tokens == plain.tokens
      print(
        "draft of \(draftTokens): \(rate(drafted)) tokens/s, \(drafted.accepted) of "
          + "\(drafted.proposed) accepted, \(isSame ? "the same text" : "ANOTHER TEXT")")
    }
    let allowed = expected / 10 * 11
    print(
      "peak \(megabytes(peak)) MB (\(megabytes(loaded)) MB when the target was loaded) of "
        + "\(megabytes(allowed)) MB allowed")
    guard isSame, peak <= allowed else { throw ExitCode(1) }
  }

  private struct Answered {
    var tokens: [TokenID]
    var seconds: Double
    var proposed: Int
    var accepted: Int
  }

  private func answer(_ target: TransformerModel, _ draft: TransformerModel?) throws -> Answered {
    let words = (0..<prompt).map { TokenID($0 &* 7919 % target.vocabularySize) }
    let generation = try Generation(
      target: target, prompt: words, options: GenerationOptions(maxTokens: tokens),
      drafter: draft.map { try ModelDrafter(model: $0) },
      policy: FixedDraftLength(draft == nil ? 0 : draftTokens))
    let decoder = SpeculativeDecoder(target: target)
    // The first round reads the prompt.
    _ = try decoder.round(generation)
    let begin = ContinuousClock.now
    while generation.finishReason == nil { _ = try decoder.round(generation) }
    return Answered(
      tokens: Array(generation.answer), seconds: (ContinuousClock.now - begin).seconds,
      proposed: generation.statistics.proposed, accepted: generation.statistics.accepted)
  }

  private func rate(_ answered: Answered) -> Double {
    (Double(answered.tokens.count - 1) / answered.seconds).rounded(2)
  }

  private func megabytes(_ bytes: Int) -> Int { bytes / 1_000_000 }

  /// The most bytes that the process has held in memory, as Linux counts them; 0 elsewhere.
  private var peak: Int {
    let status = FileManager.default.contents(atPath: "/proc/self/status") ?? Data()
    let line = String(decoding: status, as: UTF8.self).split(separator: "\n")
      .first { $0.hasPrefix("VmHWM:") }
    return (line?.split(separator: " ").compactMap { Int($0) }.first ?? 0) * 1024
  }
}
