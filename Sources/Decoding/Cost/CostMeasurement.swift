/// Measures a `CostModel` by running the pair on arbitrary tokens.
package struct CostMeasurement {
  package var contexts = [64, 256, 768]
  package var widest = 17
  package var repeats = 7

  package init() {}

  /// Medians over interleaved repeats; contexts that do not fit a model are left out.
  ///
  /// - Parameter progress: forwards done, of how many.
  package func run(
    target: any LanguageModel, draft: any LanguageModel,
    progress: ((_ done: Int, _ total: Int) -> Void)? = nil
  ) throws -> CostModel {
    let limit = min(target.contextLength, draft.contextLength) - widest
    var fitting = contexts.filter { $0 < limit }
    if fitting.isEmpty { fitting = [max(1, limit / 2)] }
    let total = fitting.count * repeats * (widest + 1)
    var done = 0
    func step() {
      done += 1
      progress?(done, total)
    }

    var draftSteps: [Double] = []
    var rows: [[Double]] = []
    for context in fitting {
      var times = [[Double]](repeating: [], count: widest)
      var steps: [Double] = []
      let (verifier, drafter) = try (Bench(target, context), Bench(draft, context))
      for _ in 0..<repeats {
        for width in 1...widest {
          times[width - 1].append(try verifier.time(width: width))
          step()
        }
        steps.append(try drafter.time(width: 1))
        step()
      }
      rows.append(Self.rising(times.map(\.median)))
      draftSteps.append(steps.median)
    }
    return CostModel(contexts: fitting, draftStep: draftSteps, verify: rows)
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

  /// One model with a filled cache.
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
      (0..<count).map { TokenID(($0 &* 7919 &+ 13) % model.vocabularySize) }[...]
    }

    /// Seconds of the second of two forwards: in a round the step before has warmed the caches too.
    func time(width: Int) throws -> Double {
      var seconds = 0.0
      for _ in 0..<2 {
        let duration = try ContinuousClock().measure {
          try model.forward([Slice(sequence, tokens: tokens(width), rows: width)], into: &output)
        }
        model.rewind(sequence, to: context)
        seconds = duration.inSeconds
      }
      return seconds
    }
  }
}

extension [Double] {
  fileprivate var median: Double {
    let sorted = sorted()
    return isEmpty ? 0 : (sorted[(count - 1) / 2] + sorted[count / 2]) / 2
  }
}
