import ArgumentParser
import Decoding
import FoundationEssentials
import Transformer

/// Writes the logits of token sequences, for comparison with another implementation
/// (Tools/reference/compare_logits.py).
struct LogitsDump: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "logits",
    abstract: "Reads JSON arrays of tokens, a line each; writes their logits as f32 to a file.")

  @Option(help: "Folder of the model.")
  var model: String
  @Option(help: "Weight type: f32, bf16, f16, q8 or q4.")
  var dtype = WeightType.f32
  @Option(help: "Worker threads.")
  var threads = 2
  @Option(name: .shortAndLong, help: "Result: rows of (tokens, vocabulary) f32, one after another.")
  var output: String

  func run() throws {
    let directory = try ModelDirectory(path: model)
    let engine = try directory.loadModel(type: dtype, team: WorkerTeam(threads: threads))
    var result = ForwardOutput(
      vocabularySize: engine.vocabularySize, hiddenSize: engine.hiddenSize)
    var bytes = Data()
    while let line = readLine() {
      let tokens = try JSONDecoder().decode([TokenID].self, from: Data(line.utf8))
      let sequence = engine.openSequence()
      defer { engine.closeSequence(sequence) }
      try engine.forward(
        [Slice(sequence, tokens: tokens[...], rows: tokens.count)], into: &result)
      result.logits[..<(tokens.count * engine.vocabularySize)].withUnsafeBytes {
        bytes.append(contentsOf: $0)
      }
    }
    try bytes.write(to: URL(filePath: output))
  }
}
