import ArgumentParser
import Decoding
import FoundationEssentials
import Transformer

/// Every family of models against the reference that Tools/reference/families.py made of it.
struct FamilyBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "families",
    abstract: "How far every family's logits are from those of transformers, and its greedy text.",
    discussion: """
      An error is the largest difference of a row's logits divided by its largest logit, in f32. Bits \
      are those of all logits that the weights of the GGUF file and of the folder give, with the \
      configuration of the GGUF file; it cannot state the scale of Gemma 2's fixture, and SmolLM2's is \
      quantised, so that their errors are no rounding. Exit code 1 when an error is above 1e-4 or something is not the \
      same.
      """)

  @Argument(help: "The folder with families and gguf, as Tools/reference makes them.")
  var fixtures = "Tests/Fixtures"
  @Option(help: "Worker threads.")
  var threads = 2

  private struct Reference: Decodable {
    var tokens: [TokenID]
    var positions: [Int]
    var logits: [[Float]]
    var prompt: Int
    var greedy: [TokenID]
  }

  private static let bound: Float = 1e-4

  func run() throws {
    let team = try WorkerTeam(threads: threads)
    let names = try FileManager.default.contentsOfDirectory(atPath: "\(fixtures)/families").sorted()
    print("family           error at positions                     greedy   GGUF: error, bits")
    var isSound = true
    for name in names {
      let folder = "\(fixtures)/families/\(name)"
      let reference = try JSONDecoder().decode(
        Reference.self, from: Data(contentsOf: URL(filePath: folder + "/reference.json")))
      let checkpoint = try Checkpoint(path: folder)
      let model = try load(
        checkpoint, LlamaConfiguration(contentsOf: folder + "/config.json"), team)
      let errors = try errors(of: logits(model, reference), reference, model)
      let greedy = try self.greedy(model, reference)
      let same = zip(greedy, reference.greedy).prefix { $0 == $1 }.count
      isSound = isSound && errors.allSatisfy { $0 <= Self.bound } && same == reference.greedy.count
      var line = padded(name, 17)
      line += padded(
        zip(reference.positions, errors).map { "\($0): \(short($1))" }.joined(separator: "  "), 55)
      line += "\(same)/\(reference.greedy.count)"
      if let found = try compareGGUF(name, checkpoint, reference, team) {
        line += "   \(short(found.error)), \(found.isSame ? "same" : "OTHER")"
        isSound = isSound && found.isSame
      }
      print(line)
    }
    guard isSound else { throw ExitCode(1) }
  }

  /// The largest error with the GGUF file's weights, and whether they give the folder's bits; nil
  /// where there is no such file.
  private func compareGGUF(
    _ name: String, _ checkpoint: Checkpoint, _ reference: Reference, _ team: WorkerTeam
  ) throws -> (error: Float, isSame: Bool)? {
    let path = "\(fixtures)/gguf/\(name).gguf"
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    let file = try WeightFile(path: path)
    guard let header = file.gguf else { return nil }
    let configuration = try LlamaConfiguration(gguf: file, header)
    let model = try load(Checkpoint(file), configuration, team)
    let ours = try logits(model, reference)
    // Quantised blocks are other weights.
    let isQuantised = name == "smollm2"
    let theirs = try logits(load(checkpoint, configuration, team), reference)
    let error = errors(of: ours, reference, model).max() ?? 0
    return (error, isQuantised || ours.map(\.bitPattern) == theirs.map(\.bitPattern))
  }

  private func load(
    _ checkpoint: Checkpoint, _ configuration: LlamaConfiguration, _ team: WorkerTeam
  ) throws -> TransformerModel {
    try TransformerModel(
      weights: LlamaWeights(
        checkpoint, configuration: configuration, type: .f32, threads: threads), team: team)
  }

  /// The logits of all tokens.
  private func logits(_ model: TransformerModel, _ reference: Reference) throws -> [Float] {
    var output = ForwardOutput(vocabularySize: model.vocabularySize, hiddenSize: model.hiddenSize)
    let tokens = reference.tokens
    try model.forward(
      [Slice(model.openSequence(), tokens: tokens[...], rows: tokens.count)], into: &output)
    return output.logits
  }

  private func errors(
    of logits: [Float], _ reference: Reference, _ model: TransformerModel
  ) -> [Float] {
    zip(reference.positions, reference.logits).map { position, expected in
      let row = logits[position * model.vocabularySize..<(position + 1) * model.vocabularySize]
      let largest = expected.map(abs).max() ?? 0
      return (zip(row, expected).map { abs($0 - $1) }.max() ?? .infinity) / largest
    }
  }

  /// The most likely tokens after the prompt, one at a time.
  private func greedy(_ model: TransformerModel, _ reference: Reference) throws -> [TokenID] {
    let sequence = model.openSequence()
    var output = ForwardOutput(vocabularySize: model.vocabularySize, hiddenSize: model.hiddenSize)
    var tokens = Array(reference.tokens[..<reference.prompt])
    var given = 0
    while tokens.count < reference.prompt + reference.greedy.count {
      try model.forward([Slice(sequence, tokens: tokens[given...], rows: 1)], into: &output)
      given = tokens.count
      let best = output.logits.indices.max { output.logits[$0] < output.logits[$1] } ?? 0
      tokens.append(TokenID(best))
    }
    return Array(tokens[reference.prompt...])
  }

  /// "2.3e-07".
  private func short(_ value: Float) -> String {
    guard value > 0, value.isFinite else { return "\(value)" }
    var (digits, exponent) = (value, 0)
    while digits < 1 { (digits, exponent) = (digits * 10, exponent - 1) }
    while digits >= 10 { (digits, exponent) = (digits / 10, exponent + 1) }
    return "\((digits * 10).rounded() / 10)e\(exponent)"
  }

  private func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.count))
  }
}
