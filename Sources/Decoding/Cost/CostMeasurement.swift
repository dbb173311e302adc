internal import Learning

/// Measures a `CostModel` by running the pair on arbitrary tokens.
package struct CostMeasurement {
  /// Tokens in the cache.
  package var contexts = [64, 256, 768]
  /// Tokens of the target's forwards, ascending from 1; costs between them lie on straight lines.
  package var widths = Array(1...17) + [21, 25]
  package var repeats = 11

  package init() {}

  /// Steps of a draft after the first, which finds its weights out of the caches.
  private static let furtherSteps = 4

  /// A first idea in a fraction of a second, for a command that somebody waits for.
  package static var brief: CostMeasurement {
    var measurement = CostMeasurement()
    measurement.contexts = [48]
    measurement.widths = [1, 2, 3, 4, 6, 8, 12]
    measurement.repeats = 3
    return measurement
  }

  /// Medians over interleaved repeats; contexts that do not fit a model are left out.
  ///
  /// - Parameters:
  ///   - heads: timed too, where a policy will ask them.
  ///   - progress: forwards done, of how many.
  /// - Precondition: there are widths, and the first is 1.
  package func run(
    target: any LanguageModel, draft: any LanguageModel, heads: AcceptanceHeads? = nil,
    progress: ((_ done: Int, _ total: Int) -> Void)? = nil
  ) throws -> CostModel {
    precondition(widths.first == 1)
    let limit = min(target.contextLength, draft.contextLength) - (widths.last ?? 1)
    var fitting = contexts.filter { $0 < limit }
    if fitting.isEmpty { fitting = [max(1, limit / 2)] }
    let total = fitting.count * repeats * widths.count
    var done = 0

    var (draftSteps, draftStarts): ([Double], [Double]) = ([], [])
    var rows: [[Double]] = []
    for context in fitting {
      var times = [[Double]](repeating: [], count: widths.count)
      var (firsts, steps): ([Double], [Double]) = ([], [])
      let (verifier, drafter) = try (Bench(target, context), DraftBench(draft, context))
      for _ in 0..<repeats {
        for (index, width) in widths.enumerated() {
          // In the order of rounds, so that each step finds the processor's caches as it does there.
          _ = try verifier.time(width: 1)
          firsts.append(try drafter.time())
          for _ in 0..<Self.furtherSteps { steps.append(try drafter.time()) }
          times[index].append(try verifier.time(width: width))
          done += 1
          progress?(done, total)
        }
      }
      rows.append(curve(Self.rising(times.map(\.median))))
      draftSteps.append(steps.median)
      draftStarts.append(max(0, firsts.median - steps.median))
    }
    return CostModel(
      contexts: fitting, draftStep: draftSteps, draftStart: draftStarts.median, verify: rows,
      head: heads.map { Self.time($0, repeats) } ?? 0,
      overhead: try overhead(target, draft, context: fitting[0]))
  }

  /// V(1), V(2), ... from V at the widths.
  private func curve(_ values: [Double]) -> [Double] {
    var curve = Array(values.prefix(1))
    for index in widths.indices.dropFirst() {
      let steps = widths[index] - widths[index - 1]
      for step in 1...steps {
        let share = Double(step) / Double(steps)
        curve.append(values[index - 1] + share * (values[index] - values[index - 1]))
      }
    }
    return curve
  }

  /// Seconds for both heads to judge a candidate.
  private static func time(_ heads: AcceptanceHeads, _ repeats: Int) -> Double {
    var reader = AcceptanceHeads.Reader(heads)
    let next = DraftEvidence(
      summary: LogitsSummary(topProbability: 0.6, secondProbability: 0.2, entropy: 1),
      hidden: [Float](repeating: 0.5, count: heads.beforeDraw.inputWidth))
    let candidate = DrawnCandidate(token: 0, probability: 0.5, evidence: next)
    let calls = 16
    let times = (0..<repeats).map { _ in
      ContinuousClock().measure {
        for _ in 0..<calls {
          _ = reader.beforeDraw(next, depth: 1, temperature: 1)
          _ = reader.afterFeeding(candidate, next: next, depth: 1, temperature: 1)
        }
      }.inSeconds / Double(calls)
    }
    return times.median
  }

  /// Seconds of a round that no forward takes: distributions, verdict, rewinding.
  private func overhead(
    _ target: any LanguageModel, _ draft: any LanguageModel, context: Int
  ) throws -> Double {
    let room = min(target.contextLength, draft.contextLength) - context
    let generation = try Generation(
      target: target, prompt: Self.tokens(context, target.vocabularySize),
      options: GenerationOptions(maxTokens: max(1, min(12, room))),
      drafter: ModelDrafter(model: draft), policy: FixedDraftLength(2))
    let decoder = SpeculativeDecoder(target: target)
    var seconds: [Double] = []
    while generation.finishReason == nil {
      let record = try decoder.round(generation).record
      if !record.isPrefill { seconds.append(record.seconds.accept) }
    }
    return seconds.median
  }

  private static func tokens(_ count: Int, _ vocabularySize: Int) -> [TokenID] {
    (0..<count).map { TokenID(($0 &* 7919 &+ 13) % vocabularySize) }
  }

  /// More tokens never cost less: where noise says so, the neighbours share their mean (pool
  /// adjacent violators).
  static func rising(_ values: [Double]) -> [Double] {
    var pools: [(sum: Double, count: Int)] = []
    for value in values {
      pools.append((value, 1))
      while pools.count > 1,
        pools[pools.count - 2].sum / Double(pools[pools.count - 2].count)
          > pools[pools.count - 1].sum / Double(pools[pools.count - 1].count)
      {
        let last = pools.removeLast()
        pools[pools.count - 1].sum += last.sum
        pools[pools.count - 1].count += last.count
      }
    }
    return pools.flatMap { [Double](repeating: $0.sum / Double($0.count), count: $0.count) }
  }

  /// The target with a filled cache.
  private final class Bench {
    let model: any LanguageModel
    let sequence: SequenceID
    let context: Int
    var output: ForwardOutput

    init(_ model: any LanguageModel, _ context: Int) throws {
      self.model = model
      self.context = context
      sequence = try model.openSequence()
      output = ForwardOutput(vocabularySize: model.vocabularySize, hiddenSize: model.hiddenSize)
      try model.forward([Slice(sequence, tokens: tokens(context), rows: 0)], into: &output)
    }

    deinit { model.closeSequence(sequence) }

    private func tokens(_ count: Int) -> ArraySlice<TokenID> {
      CostMeasurement.tokens(count, model.vocabularySize)[...]
    }

    /// Seconds of a forward.
    func time(width: Int) throws -> Double {
      let duration = try ContinuousClock().measure {
        try model.forward([Slice(sequence, tokens: tokens(width), rows: width)], into: &output)
      }
      model.rewind(sequence, to: context)
      return duration.inSeconds
    }
  }

  /// The draft with a filled cache, asked as a round asks it.
  private final class DraftBench {
    let drafter: ModelDrafter
    let prefix: Prefix

    init(_ model: any LanguageModel, _ context: Int) throws {
      drafter = try ModelDrafter(model: model)
      prefix = Prefix(
        prompt: CostMeasurement.tokens(context, model.vocabularySize), sampling: SamplingOptions())
      _ = try drafter.score(after: prefix, needs: [])
    }

    /// Seconds of a step.
    func time() throws -> Double {
      drafter.rewind(to: prefix.count - 1)
      return try ContinuousClock().measure {
        _ = try drafter.score(after: prefix, needs: [.summary, .hidden])
      }.inSeconds
    }
  }
}

extension [Double] {
  fileprivate var median: Double { isEmpty ? 0 : sorted()[(count - 1) / 2] }
}
