package import Learning

/// Predictions from hidden states by models that have not seen the prompts, beside what was drawn.
package struct HeldOutStates: Sendable {
  /// One prediction while an answer was on its way.
  package struct Forecast: Sendable {
    /// The place of the prompt among the examples, and of the answer among its own.
    package var prompt: Int
    package var answer: Int
    package var generated: Int
    /// Of what was left.
    package var predicted: LengthDistribution
    /// Tokens that were left.
    package var rest: Int
  }

  /// Before the first token, by example, of the whole length.
  package private(set) var openings: [LengthDistribution] = []
  /// Later ones, in the order of examples, answers and tokens.
  package private(set) var later: [Forecast] = []
  /// Shifts fitted on all of them.
  package let calibration: LengthCalibration

  private struct Raw {
    var fold: Int
    var forecast: Forecast
    var logQuantiles: [Float]
    var rests: [Int]
  }

  /// Cuts the prompts into folds and predicts each by what was trained on the others; each fold's
  /// quantiles are shifted by what the other folds ask for.
  package init(
    _ examples: [StateLengthExample], folds count: Int, settings: StateLengthSettings,
    report: (String) -> Void
  ) throws(LearningError) {
    var random = SeededRandom(settings.seed, 6)
    let folds = examples.map { _ in random.below(count) }
    var raw: [Raw] = []
    for fold in 0..<count {
      let model = try StateLengthModel.train(
        examples.indices.filter { folds[$0] != fold }.map { examples[$0] }, settings: settings
      ) { report("fold \(fold + 1) of \(count): \($0)") }
      for prompt in examples.indices where folds[prompt] == fold {
        let example = examples[prompt]
        let opening = model.read(opening: example.opening, inputSize: example.row.inputSize)
        func add(_ answer: Int, _ generated: Int, _ guesses: [Float], _ rests: [Int]) {
          raw.append(
            Raw(
              fold: fold,
              forecast: Forecast(
                prompt: prompt, answer: answer, generated: generated,
                predicted: LengthDistribution(answer: LengthPrediction(exactly: 1)),
                rest: rests.first ?? 0),
              logQuantiles: model.logQuantiles(opening, guesses: guesses, generated: generated),
              rests: rests))
        }
        add(0, 0, opening.guesses, example.row.outputSizes)
        for (answer, states) in example.later.enumerated() {
          for state in states {
            add(
              answer, state.generated, model.later.guesses(state.hidden),
              [example.row.outputSizes[answer] - state.generated])
          }
        }
      }
    }
    func calibration(_ isUsed: (Int) -> Bool) throws(LearningError) -> LengthCalibration {
      try LengthCalibration(
        fitting: raw.filter { isUsed($0.fold) }.map { one in
          LengthCalibration.Case(
            model: StateLengthModel.stage(one.forecast.generated), logQuantiles: one.logQuantiles,
            logDraws: one.rests.map { logarithm(Double(max(1, $0))) })
        })
    }
    var byFold: [LengthCalibration] = []
    for fold in 0..<count { byFold.append(try calibration { $0 != fold }) }
    self.calibration = try calibration { _ in true }
    raw.sort {
      ($0.forecast.prompt, $0.forecast.answer, $0.forecast.generated)
        < ($1.forecast.prompt, $1.forecast.answer, $1.forecast.generated)
    }
    for one in raw {
      var forecast = one.forecast
      forecast.predicted = LengthDistribution(
        logQuantiles: one.logQuantiles,
        shifts: byFold[one.fold].shifts(for: StateLengthModel.stage(forecast.generated)),
        runawayProbability: 0)
      if forecast.generated == 0 {
        openings.append(forecast.predicted)
      } else {
        later.append(forecast)
      }
    }
  }
}
