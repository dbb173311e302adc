import ArgumentParser
import Decoding

/// How many tokens the draft proposes.
struct SpeculationFlags: ParsableArguments {
  @Option(
    name: [.customLong("draft-tokens"), .customLong("num-draft-tokens")],
    help: "Tokens that the draft proposes each round.")
  var draftTokens = 3
  @Flag(help: "Decode with the target alone. The text is the same.")
  var noSpeculation = false
  @Flag(help: "Show which tokens were drafted: accepted green, rejected struck through.")
  var showDrafts = false

  func validate() throws {
    guard (1...64).contains(draftTokens) else {
      throw ValidationError("--draft-tokens takes 1 to 64, not \(draftTokens)")
    }
  }
}
