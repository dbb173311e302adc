/// How long a step takes: a sum of products of what is in it, in whole picoseconds so that a row of
/// steps can be summed in closed form and to the same instant.
///
/// step = overhead + prefillToken * P + prefillContext * sum(P's contexts) + decode * D
///      + decodeContext * sum(D's contexts) + sum over knees (slope * max(0, P + D - knee))
///      + swappedToken * swapped
///
/// The sum of contexts, not batch x mean, is what attention costs; knees say where a step stops
/// hiding behind the loading of the weights (or, on a CPU, how V(n) bends).
package struct StepTimeModel: Equatable, Sendable {
  /// Each step: weights, launches, scheduling, sampling.
  package var overhead = Time.zero
  package var prefillToken = Time.zero
  package var prefillContext = Time.zero
  package var decode = Time.zero
  package var decodeContext = Time.zero
  package var swappedToken = Time.zero
  package var knees: [Knee] = []
  /// Measured over predicted step times, to draw from; empty for a model without jitter.
  package var jitter: [Float] = []

  /// From here on each token of a step costs `slope` more.
  package struct Knee: Equatable, Sendable {
    package var tokens: Int
    package var slope: Time

    package init(tokens: Int, slope: Time) {
      self.tokens = tokens
      self.slope = slope
    }
  }

  package init() {}

  /// - Throws: `.invalidSetting` for times below zero or of more than a minute.
  package func validate() throws(WorkloadError) {
    let times = [
      overhead, prefillToken, prefillContext, decode, decodeContext, swappedToken,
    ]
    guard times.allSatisfy({ $0 >= .zero && $0 <= Time(seconds: 60) }),
      knees.allSatisfy({ $0.slope.picoseconds.magnitude < 60_000_000_000_000 }),
      times.contains(where: { $0 > .zero }), jitter.allSatisfy({ $0 > 0 && $0 < 1000 })
    else {
      throw WorkloadError(
        .invalidSetting, source: "step times",
        problem: "a coefficient is below zero or above a minute, or all are zero")
    }
  }

  /// The time of one step.
  ///
  /// - Parameter draftTokens: those that its decodes carry, all together. A verified token costs what
  ///   a decode does; its context is read once for all of a request.
  package func duration(_ shape: StepShape, draftTokens: Int = 0) -> Time {
    let decodeTokens = Int64(shape.decodes + draftTokens)
    var sum = overhead.picoseconds
    sum += prefillToken.picoseconds * Int64(shape.prefillTokens)
    sum += prefillContext.picoseconds * Int64(shape.prefillContext)
    sum += decode.picoseconds * decodeTokens
    sum += decodeContext.picoseconds * Int64(shape.decodeContext)
    sum += swappedToken.picoseconds * Int64(shape.swappedTokens)
    let tokens = Int64(shape.prefillTokens) + decodeTokens
    for knee in knees where tokens > Int64(knee.tokens) {
      sum += knee.slope.picoseconds * (tokens - Int64(knee.tokens))
    }
    return Time(picoseconds: max(sum, 1))
  }

  /// How much longer each step of a row of pure decode steps is than the one before.
  package func increment(_ shape: StepShape) -> Time {
    Time(picoseconds: decodeContext.picoseconds * Int64(shape.decodes))
  }

  /// The time of a request that has the engine to itself: what slowdown is measured against.
  package func alone(input: Int, output: Int, tokenBudget: Int) -> Time {
    var sum = Time.zero
    var computed = 0
    while computed < input {
      var shape = StepShape()
      shape.prefillTokens = min(tokenBudget, input - computed)
      shape.prefillContext =
        shape.prefillTokens * computed + shape.prefillTokens * (shape.prefillTokens + 1) / 2
      sum += duration(shape)
      computed += shape.prefillTokens
    }
    var shape = StepShape()
    shape.decodes = 1
    shape.decodeContext = input + 1
    let steps = Int64(output - 1)
    sum += Time(picoseconds: duration(shape).picoseconds * steps)
    sum += Time(picoseconds: increment(shape).picoseconds * (steps * (steps - 1) / 2))
    return sum
  }

  /// Estimates, by name, for machines that have not been measured: weights over bandwidth plus
  /// 2 ms, operations at half the peak. Good for speed tests and for shapes, not for promises.
  package static func named(_ name: String) -> StepTimeModel? {
    switch name {
    case "llama2-7b-a100":
      // 13.5 GB of weights and 512 KiB a token of cache at 1.6 TB/s; 13.5 Gflop a token, 524 kflop
      // a pair of positions at 156 Tflop/s.
      return StepTimeModel(
        overhead: 0.0104, prefillToken: 8.6e-5, prefillContext: 3.4e-9, decode: 4e-5,
        decodeContext: 3.3e-7)
    case "llama3-8b-h100":
      return StepTimeModel(
        overhead: 0.0069, prefillToken: 3.3e-5, prefillContext: 1.1e-9, decode: 1.6e-5,
        decodeContext: 4.2e-8)
    default: return nil
    }
  }

  /// A name of `names`, or coefficients in seconds as in `overhead=0.01,prefill=8e-5,decode=3e-5`;
  /// the others are prefill-context, decode-context and swap.
  ///
  /// - Throws: `.invalidSetting` for anything else.
  package init(parsing text: String) throws(WorkloadError) {
    if let named = Self.named(text) {
      self = named
      return
    }
    self.init()
    let paths: [String: WritableKeyPath<StepTimeModel, Time>] = [
      "overhead": \.overhead, "prefill": \.prefillToken, "prefill-context": \.prefillContext,
      "decode": \.decode, "decode-context": \.decodeContext, "swap": \.swappedToken,
    ]
    for part in text.split(separator: ",") {
      let sides = part.split(separator: "=", maxSplits: 1)
      guard sides.count == 2, let path = paths[String(sides[0])], let seconds = Double(sides[1]),
        seconds >= 0
      else {
        throw WorkloadError(
          .invalidSetting, source: "--step-times", problem: "'\(part)' is not understood",
          advice: "a name (\(Self.names.joined(separator: ", "))) or seconds by name: "
            + paths.keys.sorted().joined(separator: ", "))
      }
      self[keyPath: path] = Time(seconds: seconds)
    }
    try validate()
  }

  package static let names = ["llama2-7b-a100", "llama3-8b-h100"]

  /// From seconds.
  package init(
    overhead: Double, prefillToken: Double, prefillContext: Double, decode: Double,
    decodeContext: Double
  ) {
    self.overhead = Time(seconds: overhead)
    self.prefillToken = Time(seconds: prefillToken)
    self.prefillContext = Time(seconds: prefillContext)
    self.decode = Time(seconds: decode)
    self.decodeContext = Time(seconds: decodeContext)
  }
}
