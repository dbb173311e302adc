import Learning

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A predictor for a model that was not trained on, from a few of its answers: it is taken to answer
/// like a mixture of the known models and of none in particular, each longer or shorter by a factor.
///
/// Twenty prompts seldom tell which known model is nearest, so none is chosen: each weighs as likely
/// as its residuals are, taken to be Laplace-distributed, `error^-shots`.
package struct LengthTransfer: Sendable {
  private struct Donor {
    /// Its place among the known models; nil for none in particular.
    var model: Int?
    /// Added to logarithms of lengths.
    var shift: Float
    var weight: Float
  }

  private let donors: [Donor]
  private let model: PromptLengthModel
  /// Prompts of evidence for that a donor's answers are as long as they are.
  private static let prior: Float = 2

  /// - Parameter shots: answers of the new model to about 20 prompts; without any, the prediction is
  ///   that for a model of which nothing is known.
  package init(_ model: PromptLengthModel, shots: [LengthExample]) {
    self.model = model
    guard !shots.isEmpty else {
      donors = [Donor(model: nil, shift: 0, weight: 1)]
      return
    }
    let readings = shots.map { model.read($0.prompt) }
    let medians = shots.map {
      logarithm(LengthStatistics.percentile(0.5, ofSorted: $0.row.outputSizes.sorted()))
    }
    let count = Float(shots.count)
    var candidates: [Donor] = []
    for donor in [nil] + model.models.indices.map({ Optional($0) }) {
      let residuals = shots.indices.map { index in
        medians[index]
          - model.logQuantiles(
            readings[index], model: donor, inputSize: shots[index].row.inputSize,
            decoding: shots[index].row.decoding)[3]
      }
      let sorted = residuals.sorted()
      let middle = (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
      let shift = middle * count / (count + Self.prior)
      let error = residuals.reduce(0) { $0 + abs($1 - shift) } / count
      candidates.append(Donor(model: donor, shift: shift, weight: max(error, 1e-3)))
    }
    let best = candidates.map(\.weight).min() ?? 1
    for index in candidates.indices {
      candidates[index].weight = powf(best / candidates[index].weight, count)
    }
    let sum = candidates.reduce(0) { $0 + $1.weight }
    donors = candidates.map {
      Donor(model: $0.model, shift: $0.shift, weight: $0.weight / sum)
    }
  }

  private var nearest: Donor? { donors.max { $0.weight < $1.weight } }

  /// The known model that weighs most; nil for none in particular.
  package var donor: String? { nearest?.model.map { model.models[$0] } }

  /// How much longer its answers are than that model's.
  package var factor: Double { Double(exponential(nearest?.shift ?? 0)) }

  package func predict(
    _ reading: PromptLengthModel.Reading, inputSize: Int, decoding: DecodingSettings
  ) -> LengthDistribution {
    var sums = [Float](repeating: 0, count: PromptLengthModel.levels.count)
    var runaway = 0.0
    // Less than a thousandth is not heard.
    let heard = donors.filter { $0.weight > 1e-3 }
    let all = heard.reduce(0) { $0 + $1.weight }
    for donor in heard {
      let name = donor.model.map { model.models[$0] } ?? ""
      let logarithms = model.logQuantiles(
        reading, model: donor.model, inputSize: inputSize, decoding: decoding)
      let shifts = model.calibration.shifts(for: name)
      let share = donor.weight / all
      for level in sums.indices {
        sums[level] += share * (logarithms[level] + shifts[level] + donor.shift)
      }
      runaway += Double(share) * model.runaway.probability(for: name)
    }
    return LengthDistribution(
      logQuantiles: sums, shifts: [Float](repeating: 0, count: sums.count),
      runawayProbability: runaway)
  }
}
