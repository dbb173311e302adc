import Decoding
import Transformer

/// How requests are sped up: which policies there can be, what they go by, and what they have
/// learned.
final class SpeculativeEngine {
  let verification: VerificationChoice
  let pair: Pair
  private let flags: SpeculationFlags
  private let verbosity: VerbosityFlags
  private let trained: HeadFile?
  private var learned: [PolicyChoice: any DraftLengthPolicy] = [:]

  /// - Throws: `ModelError` for heads that are not there or for another draft.
  init(_ pair: Pair, _ flags: SpeculationFlags, _ verbosity: VerbosityFlags) throws(ModelError) {
    self.pair = pair
    self.flags = flags
    self.verbosity = verbosity
    verification = flags.verification
    trained = try pair.heads(flags.heads)
  }

  /// What steps cost: from a file, from what was kept, or measured briefly now and kept. The same
  /// for all requests, so that a policy's decisions depend on the text alone.
  private(set) lazy var costs: Result<CostModel?, any Error> = Result {
    guard pair.draft != nil else { return nil }
    let store = try CalibrationStore(pair, verbosity)
    if let file = flags.calibration { return try store.read(file).costs }
    if let kept = store.fresh(orBrief: true) { return kept.costs }
    var calibration = try store.measure(.brief, heads: trained?.heads)
    calibration.isBrief = true
    store.keep(calibration)
    return calibration.costs
  }

  /// What a request's choice comes to: without a draft nobody can propose but the text itself.
  func policy(_ choice: PolicyChoice) -> PolicyChoice {
    choice.needsDraft && pair.draft == nil ? .plain : choice
  }

  /// Starts a request.
  ///
  /// - Throws: `GenerationError` for a request that cannot be answered, `CommandError` for a policy
  ///   that lacks what it needs.
  func generation(_ request: Request) throws -> Generation {
    let choice = policy(request.policy)
    let policy = carries(request) ? learned[choice] : nil
    return try Generation(
      target: pair.target, prompt: request.prompt, options: request.options,
      drafter: choice.drafter(pair.drafter()), policy: policy ?? fresh(choice),
      rule: verification.rule)
  }

  /// Keeps what the policy of a finished request has learned for requests to come.
  func learn(_ request: Request, _ generation: Generation) {
    if carries(request) { learned[policy(request.policy)] = generation.policy }
  }

  private func fresh(_ choice: PolicyChoice) throws -> any DraftLengthPolicy {
    try choice.policy(
      PolicyResources(costs: choice.needsCosts ? costs.get() : nil, trained: trained))
  }

  /// Whether a request may start where others have ended: only where its text does not depend on
  /// it. A sampled text must be that of its seed, whatever was asked before.
  private func carries(_ request: Request) -> Bool {
    verification.fixesText(temperature: request.options.sampling.temperature)
  }

  /// Seconds that plain decoding takes for the tokens after the first, by the costs; nil where nobody
  /// has asked for costs.
  func plainSeconds(_ answer: Answer) -> Double? {
    guard policy(answer.policy).needsCosts, let costs = try? costs.get() else { return nil }
    let decoded = answer.rounds.dropFirst().reduce(0) { $0 + $1.emitted }
    let middle = answer.promptCount + decoded / 2
    return Double(decoded) * (costs.verify(1, context: middle) + costs.overhead)
  }
}
