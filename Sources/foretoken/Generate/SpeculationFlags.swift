import ArgumentParser

/// Who proposes tokens, how many, and how they are judged.
struct SpeculationFlags: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Who proposes how many tokens, see above. (default: \(SpeculationFlags.usual) with a draft)",
      valueName: "policy"),
    transform: { try PolicyChoice(parsing: $0) })
  var draftPolicy: PolicyChoice?
  @Option(
    name: [.customLong("draft-tokens"), .customLong("num-draft-tokens")],
    help: ArgumentHelp(
      "The same as --draft-policy fixed:K, 0 to \(Self.allowed.upperBound).", valueName: "K"))
  var draftTokens: Int?
  @Flag(help: "Decode with the target alone; greedy text is the same.")
  var noSpeculation = false
  @Option(help: "How candidates are judged; with coupled, a seed's text is plain decoding's.")
  var verification = VerificationChoice.token
  @Flag(help: "Show the tokens that the draft proposed and the target accepted in green.")
  var showDrafts = false
  @Option(
    help: ArgumentHelp(
      "What steps cost, from \"foretoken calibrate\". (default: what it keeps, or measured)",
      valueName: "file"))
  var calibration: String?
  @Option(
    help: ArgumentHelp(
      "Trained heads. (default: \(Head.fileName) in the draft's folder, if it is there)",
      valueName: "file"))
  var heads: String?

  /// Verifying more at a time than this never pays on a CPU.
  static let allowed = 0...64

  /// What drafts where nobody asked for something else.
  static let usual = PolicyChoice.costAware

  func validate() throws {
    if let draftTokens {
      guard Self.allowed.contains(draftTokens) else {
        throw ValidationError(
          "--draft-tokens takes 0 to \(Self.allowed.upperBound), not \(draftTokens)")
      }
      guard draftPolicy == nil else {
        throw ValidationError("--draft-tokens and --draft-policy exclude each other")
      }
    }
  }

  /// The policy that the flags name.
  var choice: PolicyChoice {
    if noSpeculation { return .plain }
    return draftPolicy ?? draftTokens.map(PolicyChoice.fixed) ?? Self.usual
  }
}
