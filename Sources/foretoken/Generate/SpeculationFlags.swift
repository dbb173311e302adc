import ArgumentParser

/// How many tokens the draft proposes.
struct SpeculationFlags: ParsableArguments {
  @Option(
    name: [.customLong("draft-tokens"), .customLong("num-draft-tokens")],
    help: "Tokens that the draft proposes each round, 0 to \(Self.allowed.upperBound).")
  var draftTokens = 3
  @Flag(help: "Decode with the target alone; greedy text is the same.")
  var noSpeculation = false
  @Flag(help: "Show the tokens that the draft proposed and the target accepted in green.")
  var showDrafts = false

  /// Verifying more at a time than this never pays on a CPU.
  static let allowed = 0...64

  func validate() throws {
    guard Self.allowed.contains(draftTokens) else {
      throw ValidationError(
        "--draft-tokens takes 0 to \(Self.allowed.upperBound), not \(draftTokens)")
    }
  }

  /// Candidates a round; 0 decodes plainly.
  var candidates: Int { noSpeculation ? 0 : draftTokens }
}
