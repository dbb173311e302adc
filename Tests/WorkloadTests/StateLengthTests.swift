import Learning
import Support
import Testing
import Workload

@Suite struct StateLengthTests {
  /// Prompts whose states tell how long answers are, and whose later states tell what is left.
  static func examples(_ count: Int, width: Int = 12) -> [StateLengthExample] {
    var random = SeededRandom(4, 1)
    func state(_ size: Float) -> [Float] {
      // The first column tells the size, the rest is noise.
      [size / 60 + 0.1 * random.uniform()] + (1..<width).map { _ in random.uniform() }
    }
    return (0..<count).map { index in
      let typical = 4 + Int(116 * random.uniform())
      let sizes = (0..<4).map { _ in max(1, typical + Int(9 * random.uniform()) - 4) }
      let later = sizes.map { size in
        stride(from: 16, to: size, by: 16).map {
          StateLengthExample.State(generated: $0, hidden: state(Float(size - $0)))
        }
      }
      let row = LengthRow(
        model: "m", dataset: "d", prompt: "\(index)", inputSize: 5,
        responses: sizes.map { Response(length: $0) },
        decoding: DecodingSettings(topK: 0, topP: 1, temperature: 1), generationTime: 1)
      return StateLengthExample(row: row, opening: state(Float(typical)), later: later)
    }
  }

  private func settings() -> StateLengthSettings {
    var settings = StateLengthSettings()
    settings.networks = 1
    settings.openingPenalty = 0.1
    settings.laterPenalty = 0.1
    return settings
  }

  @Test func `What states tell is learnt, before the first token and later`() throws {
    let examples = Self.examples(240)
    let heldOut = try HeldOutStates(examples, folds: 4, settings: settings()) { _ in }
    let scores = LengthScores(
      zip(examples, heldOut.openings).map { LengthForecast(row: $0.row, predicted: $1) })
    let sizes = examples.flatMap(\.row.outputSizes).sorted()
    let median = Double(sizes[sizes.count / 2])
    let constant = sizes.reduce(0) { $0 + abs(Double($1) - median) } / Double(sizes.count)
    #expect(scores[.absoluteError] < 0.4 * constant)
    #expect(abs(scores[.covered90] - 0.9) < 0.08)
    // What is left is told better by the state now than by the first one.
    #expect(heldOut.later.count == examples.reduce(0) { $0 + $1.later.reduce(0) { $0 + $1.count } })
    var (now, first) = (0.0, 0.0)
    for one in heldOut.later {
      now += abs(one.predicted.median - Double(one.rest))
      first += abs(
        heldOut.openings[one.prompt].remaining(0.5, after: one.generated) - Double(one.rest))
    }
    #expect(now.isFinite && now < 1.2 * first)
  }

  @Test func `A predictor is the same after it was taken apart, and its parts are checked`() throws
  {
    let examples = Self.examples(80)
    let model = try StateLengthModel.train(examples, settings: settings())
    let again = try StateLengthModel(model.description, tensors: model.tensors)
    let opening = model.read(opening: examples[0].opening, inputSize: 5)
    let state = examples.lazy.flatMap(\.later).flatMap(\.self).first
    #expect(
      again.remaining(again.read(opening: examples[0].opening, inputSize: 5))
        == model.remaining(opening))
    #expect(
      again.remaining(opening, state: state?.hidden, generated: 16)
        == model.remaining(opening, state: state?.hidden, generated: 16))
    for name in model.tensors.keys {
      var tensors = model.tensors
      tensors[name] = nil
      #expect(throws: LearningError.self) {
        try StateLengthModel(model.description, tensors: tensors)
      }
    }
  }

  @Test func `Too few prompts and states of several widths are said`() {
    #expect(throws: LearningError.self) { try StateLengthModel.train(Self.examples(20)) }
    let mixed = Self.examples(60) + Self.examples(1, width: 13)
    #expect(throws: LearningError.self) { try StateLengthModel.train(mixed) }
  }
}
