import ArgumentParser
import Decoding

/// How tokens are chosen; names and meanings as llama.cpp, vLLM and Hugging Face have them.
struct SamplingFlags: ParsableArguments {
  @Option(
    name: [.customLong("temperature"), .customLong("temp")],
    help: "0 takes the most likely token (greedy); higher is more varied.")
  var temperature = 0.0
  @Option(help: "Keep the k most likely tokens; 0 keeps all.")
  var topK = 0
  @Option(help: "Keep the most likely tokens that hold this much probability; 1 keeps all.")
  var topP = 1.0
  @Option(help: "Keep tokens at least this fraction as likely as the most likely; 0 keeps all.")
  var minP = 0.0
  @Option(
    name: [.customLong("repetition-penalty"), .customLong("repeat-penalty")],
    help: "Divides the logits of tokens that have occurred; 1 is off.")
  var repetitionPenalty = 1.0
  @Option(
    parsing: .unconditional, help: "Subtracted from the logits of tokens that were generated.")
  var presencePenalty = 0.0
  @Option(parsing: .unconditional, help: "Subtracted once per time that a token was generated.")
  var frequencyPenalty = 0.0
  @Option(name: .shortAndLong, help: "Seed of the random numbers. (default: random, and printed)")
  var seed: UInt64?
  @Option(
    name: [.customLong("max-tokens"), .customShort("n")], help: "The most tokens of an answer.")
  var maxTokens = 256
  @Option(
    parsing: .unconditionalSingleValue,
    help: "Text that ends the answer; may be given several times.")
  var stop: [String] = []
  @Flag(help: "Go on past the tokens that end an answer.")
  var ignoreEos = false

  func validate() throws {
    guard maxTokens > 0 else { throw ValidationError("--max-tokens takes 1 or more") }
    guard !stop.contains("") else { throw ValidationError("--stop takes a text that is not empty") }
    do {
      try options(seed: 0).validate()
    } catch {
      throw ValidationError("\(error)")
    }
  }

  /// A seed for when none was given; JSON readers keep integers of 53 bits.
  static var randomSeed: UInt64 { .random(in: 0..<1 << 53) }

  func options(seed: UInt64) -> SamplingOptions {
    SamplingOptions(
      temperature: temperature, topK: topK, topP: topP, minP: minP,
      repetitionPenalty: repetitionPenalty, presencePenalty: presencePenalty,
      frequencyPenalty: frequencyPenalty, seed: seed)
  }
}
