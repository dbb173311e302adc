import Learning

/// A predictor for a model that was not trained on, from a few of its answers: it is taken to answer
/// like one of the known models, or like none in particular, but longer or shorter by one factor.
package struct LengthTransfer: Sendable {
  /// The known model that it answers like; nil for none in particular.
  package let donor: String?
  /// Added to logarithms of lengths.
  package let shift: Float
  private let model: PromptLengthModel

  /// How much longer its answers are than the donor's.
  package var factor: Double { Double(exponential(shift)) }

  /// - Parameter shots: answers of the new model to about 20 prompts; without any, the prediction is
  ///   that for a model of which nothing is known.
  package init(_ model: PromptLengthModel, shots: [LengthExample]) {
    self.model = model
    var best: (error: Float, donor: String?, shift: Float) = (.infinity, nil, 0)
    let readings = shots.map { model.read($0.prompt) }
    let medians = shots.map {
      logarithm(LengthStatistics.percentile(0.5, ofSorted: $0.row.outputSizes.sorted()))
    }
    for donor in [nil] + model.models.indices.map({ Optional($0) }) where !shots.isEmpty {
      let residuals = shots.indices.map { index in
        medians[index]
          - model.logQuantiles(
            readings[index], model: donor, inputSize: shots[index].row.inputSize,
            decoding: shots[index].row.decoding)[3]
      }
      let shift = residuals.sorted()[residuals.count / 2]
      let error = residuals.reduce(0) { $0 + abs($1 - shift) }
      if error < best.error { best = (error, donor.map { model.models[$0] }, shift) }
    }
    donor = best.donor
    shift = best.shift
  }

  package func predict(
    _ reading: PromptLengthModel.Reading, inputSize: Int, decoding: DecodingSettings
  ) -> LengthDistribution {
    let logarithms = model.logQuantiles(
      reading, model: donor.flatMap { model.models.firstIndex(of: $0) }, inputSize: inputSize,
      decoding: decoding)
    let name = donor ?? ""
    return LengthDistribution(
      logQuantiles: logarithms.map { $0 + shift }, shifts: model.calibration.shifts(for: name),
      runawayProbability: model.runaway.probability(for: name))
  }
}
