import Decoding
import Transformer

/// Times of the engine's steps, in seconds: the median of interleaved repeats.
struct EngineTimes: Encodable {
  struct Step: Encodable {
    /// New tokens of the forward.
    var tokens: Int
    /// Tokens in the cache before it.
    var context: Int
    var lowerQuartile: Double
    var median: Double
    var upperQuartile: Double

    init(tokens: Int, context: Int, _ samples: [Double]) {
      self.tokens = tokens
      self.context = context
      (lowerQuartile, median, upperQuartile) = samples.quartiles
    }
  }

  var model: String
  var dtype: String
  var threads: Int
  var kernels: String
  var parameters: Int
  /// Read by a step of one token.
  var weightBytes: Int
  /// In which the team reads as many bytes as a step does.
  var floor: Double
  /// In which the team reads 256 MB.
  var largeRead: Double
  /// Forwards that give a row of logits for every token.
  var verify: [Step] = []
  /// Forwards over a prompt, which give one row.
  var prefill: [Step] = []
  /// One token and the most likely one after it.
  var draftStep: Step?
  /// A token from a row of logits.
  var greedySampling = 0.0
  /// The same with top-k 40, top-p 0.95 and temperature 0.8.
  var chainSampling = 0.0
}

/// What is measured of an engine, in which order.
struct EngineMeasurement {
  var contexts: [Int]
  var widths: [Int]
  var prompts: [Int]
  var repeats: Int

  func run(_ engine: TransformerModel, name: String) throws -> EngineTimes {
    var output = ForwardOutput(
      vocabularySize: engine.vocabularySize, hiddenSize: engine.hiddenSize)
    func tokens(_ count: Int) -> ArraySlice<TokenID> {
      (0..<count).map { TokenID($0 &* 31 % engine.vocabularySize) }[...]
    }

    /// A forward after `context` tokens that are in the cache of a sequence of its own.
    struct Case {
      var sequence: SequenceID
      var context: Int
      var width: Int
      var rows: Int
      var samples: [Double] = []
    }
    var cases: [Case] = []
    for context in contexts {
      let sequence = engine.openSequence()
      if context > 0 {
        try engine.forward([Slice(sequence, tokens: tokens(context), rows: 0)], into: &output)
      }
      for width in widths {
        cases.append(Case(sequence: sequence, context: context, width: width, rows: width))
      }
    }
    let verifications = cases.count
    for prompt in prompts {
      cases.append(Case(sequence: engine.openSequence(), context: 0, width: prompt, rows: 1))
    }
    let drafter = try ModelDrafter(model: engine)
    let prefix = Prefix(
      prompt: Array(tokens(max(1, contexts.first ?? 128))), sampling: SamplingOptions())
    _ = try drafter.score(after: prefix, needs: [])

    let reader = try BandwidthProbe(team: engine.team, bytes: engine.weights.bytesPerStep)
    let largeReader = try BandwidthProbe(team: engine.team, bytes: 256_000_000)
    var (floor, large, drafts): ([Double], [Double], [Double]) = ([], [], [])
    for round in 0..<repeats + 1 {
      let counts = round > 0
      // Twice, the second counted, like the forwards: what a large cache keeps, it keeps for both.
      _ = reader.measure()
      let read = reader.measure()
      _ = largeReader.measure()
      let readLarge = largeReader.measure()
      if counts {
        floor.append(read)
        large.append(readLarge)
      }
      for index in cases.indices {
        let step = cases[index]
        let slice = Slice(step.sequence, tokens: tokens(step.width), rows: step.rows)
        // Twice, the second counted: a draft step finds its weights in cache, as in a real round.
        for second in index < verifications ? [false, true] : [true] {
          let time = try ContinuousClock().measure {
            try engine.forward([slice], into: &output)
          }
          engine.rewind(step.sequence, to: step.context)
          if counts, second { cases[index].samples.append(time.seconds) }
        }
      }
      for second in [false, true] {
        drafter.rewind(to: prefix.count - 1)
        let time = try ContinuousClock().measure { _ = try drafter.score(after: prefix, needs: []) }
        if counts, second { drafts.append(time.seconds) }
      }
    }

    var times = EngineTimes(
      model: name, dtype: engine.weights.type.rawValue, threads: engine.team.size,
      kernels: WorkerTeam.kernelName, parameters: engine.configuration.parameterCount,
      weightBytes: engine.weights.bytesPerStep, floor: floor.median, largeRead: large.median)
    let steps = cases.map { EngineTimes.Step(tokens: $0.width, context: $0.context, $0.samples) }
    times.verify = Array(steps[..<verifications])
    times.prefill = Array(steps[verifications...])
    times.draftStep = EngineTimes.Step(tokens: 1, context: prefix.count - 1, drafts)
    (times.greedySampling, times.chainSampling) = try sampling(engine, after: tokens(16))
    return times
  }

  /// Seconds to draw a token from a row of logits, greedily and through the whole chain.
  private func sampling(
    _ engine: TransformerModel, after tokens: ArraySlice<TokenID>
  ) throws -> (greedy: Double, chain: Double) {
    var output = ForwardOutput(
      vocabularySize: engine.vocabularySize, hiddenSize: engine.hiddenSize)
    let sequence = engine.openSequence()
    defer { engine.closeSequence(sequence) }
    try engine.forward([Slice(sequence, tokens: tokens, rows: 1)], into: &output)
    func time(_ options: SamplingOptions) -> Double {
      let prefix = Prefix(prompt: [], sampling: options)
      var chance = SeededChance(seed: 1, request: 0)
      let calls = 50
      let samples = (0..<max(repeats, 3)).map { _ in
        ContinuousClock().measure {
          for position in 0..<calls {
            let distribution = output.withLogits(row: 0, prefix.distribution)
            _ = chance.token(from: distribution, position: position, purpose: .target)
          }
        }.seconds / Double(calls)
      }
      return samples.median
    }
    return (
      time(SamplingOptions()), time(SamplingOptions(temperature: 0.8, topK: 40, topP: 0.95))
    )
  }
}
