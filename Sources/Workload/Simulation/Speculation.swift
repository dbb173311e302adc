#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Speculative decoding inside the queue: every decode of a step carries K draft tokens, the step
/// verifies them all, and a request moves on by those accepted and one.
package struct Speculation: Equatable, Sendable {
  /// How K is chosen for a step.
  package enum DraftLength: Equatable, Sendable {
    case fixed(Int)
    /// The K up to the limit that earns most: a token is worth the time that one takes in steps of
    /// nothing but these decodes with their best K, and what drafts cost beside the step's prompts
    /// is set against that. K falls as the batch grows and verification stops being free.
    case best(limit: Int)

    package var limit: Int {
      switch self {
      case .fixed(let length), .best(let length): length
      }
    }
  }

  package var draftLength: DraftLength
  /// Mean over requests of the chance that a draft token is accepted.
  package var acceptance: Double
  /// Standard deviation of that chance over requests (Beta distributed).
  package var acceptanceDeviation: Double
  /// Time of one draft step, and what each request adds to it.
  package var draftStep: Time
  package var draftPerDecode: Time
  package var seed: UInt64

  /// - Throws: `.invalidSetting` for a chance or a deviation that cannot be.
  package init(
    _ draftLength: DraftLength, acceptance: Double, acceptanceDeviation: Double = 0,
    draftStep: Time = .zero, draftPerDecode: Time = .zero, seed: UInt64 = 0
  ) throws(WorkloadError) {
    let most = (acceptance * (1 - acceptance)).squareRoot()
    guard (0...64).contains(draftLength.limit), (0...1).contains(acceptance),
      acceptanceDeviation >= 0, acceptanceDeviation < most || acceptanceDeviation == 0,
      draftStep >= .zero, draftPerDecode >= .zero
    else {
      throw WorkloadError(
        .invalidSetting, source: "speculation",
        problem: "needs 0 to 64 drafts, acceptance in 0...1 and a deviation that goes with it")
    }
    self.draftLength = draftLength
    self.acceptance = acceptance
    self.acceptanceDeviation = acceptanceDeviation
    self.draftStep = draftStep
    self.draftPerDecode = draftPerDecode
    self.seed = seed
  }

  /// The chance with which this request's draft tokens are accepted.
  package func rate(request id: Int) -> Double {
    guard acceptanceDeviation > 0 else { return acceptance }
    var random = RandomSource(seed: seed, item: id)
    let variance = acceptanceDeviation * acceptanceDeviation
    let total = acceptance * (1 - acceptance) / variance - 1
    let first = random.gamma(shape: acceptance * total)
    let second = random.gamma(shape: (1 - acceptance) * total)
    return first / (first + second)
  }

  /// How many of `drafts` are accepted: the same for a request at a position whatever the schedule.
  package func accepted(of drafts: Int, rate: Double, request id: Int, position: Int) -> Int {
    guard drafts > 0, rate > 0 else { return 0 }
    if rate >= 1 { return drafts }
    var random = RandomSource(
      seed: seed &+ 0x51ED_270B, item: id &* 0x1_0000_0001 &+ position)
    return min(drafts, Int(log(random.uniform()) / log(rate)))
  }

  /// Drafts for each decode of this step.
  package func drafts(_ shape: StepShape, model: StepTimeModel) -> Int {
    guard shape.decodes > 0 else { return 0 }
    guard case .best(let limit) = draftLength else { return draftLength.limit }
    var (tokens, power) = ([Double](), 1.0)
    for _ in 0...limit {
      tokens.append((tokens.last ?? 0) + Double(shape.decodes) * power)
      power *= acceptance
    }
    func seconds(_ shape: StepShape, _ drafts: Int) -> Double {
      let total = drafts * shape.decodes
      return (model.duration(shape, draftTokens: total) + drafting(drafts, total: total)).seconds
    }
    var alone = StepShape()
    (alone.decodes, alone.decodeContext) = (shape.decodes, shape.decodeContext)
    let rate = (0...limit).map { tokens[$0] / seconds(alone, $0) }.max() ?? 0
    var (best, most) = (0, -Double.infinity)
    for drafts in 0...limit {
      let gain = tokens[drafts] - rate * seconds(shape, drafts)
      if gain > most { (best, most) = (drafts, gain) }
    }
    return best
  }

  /// The time that drafting adds to the step.
  ///
  /// - Parameters:
  ///   - drafts: the most of any request.
  ///   - total: of all requests.
  package func drafting(_ drafts: Int, total: Int) -> Time {
    Time(
      picoseconds: draftStep.picoseconds * Int64(drafts) + draftPerDecode.picoseconds * Int64(total)
    )
  }
}

extension RequestState {
  /// The most drafts that its next round can use: every round has a token of the target's own too.
  var draftRoom: Int { max(0, outputLimit - generated - 1) }
}
