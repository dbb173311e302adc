/// One temperature for each position of a draft, fitted from left to right so that the probability
/// of the whole prefix, the product of `sigmoid(z_i / T_i)` over `i <= k`, is true at each k.
///
/// Sequential temperature scaling of DSpark (arXiv 2607.05147, section 3.2.1): position k takes the
/// temperature of least calibration error of the product, while those before it stay as fitted.
/// Dividing by a temperature keeps the ranking of tokens at a position.
package struct SequentialTemperatureScaling: Codable, Equatable, Sendable {
  /// From the first position on; later ones use the last.
  package let temperatures: [Double]

  /// One round of drafting, on data that the head was not trained on.
  package struct Round: Equatable, Sendable {
    /// The head's logit at each position that was verified.
    package var logits: [Double]
    /// The probability that all tokens up to that position are accepted: 1 or 0 if it is known.
    package var prefixOutcomes: [Double]

    package init(logits: [Double], prefixOutcomes: [Double]) {
      self.logits = logits
      self.prefixOutcomes = prefixOutcomes
    }

    /// A round of which the first `accepted` tokens were accepted.
    package init(logits: [Double], accepted: Int) {
      self.logits = logits
      prefixOutcomes = logits.indices.map { $0 < accepted ? 1 : 0 }
    }
  }

  /// What a temperature is chosen by.
  package enum Objective: Sendable {
    /// Expected calibration error in so many bins, as the paper has it.
    case calibrationError(bins: Int = 10)
    /// Log loss, which is less noisy with few rounds.
    case logLoss
  }

  /// The candidates: `2^(i/16)` from 1/8 to 8, those nearest to 1 first, so that they win ties.
  private static let grid: [Double] = (-48...48)
    .sorted { (abs($0), $0) < (abs($1), $1) }
    .map { Double.exp(Double($0) / 16 * Double.log(2)) }

  package init(temperatures: [Double]) { self.temperatures = temperatures }

  /// - Parameters:
  ///   - rounds: A round that is shorter than others counts at its own positions.
  ///   - minimumRounds: A position that fewer rounds got to is not fitted and takes the temperature
  ///     of the one before it.
  /// - Throws: `tooFewSamples` when no position can be fitted, `shape` or `value` for a round that
  ///   makes no sense.
  package init(
    fitting rounds: [Round], objective: Objective = .calibrationError(), minimumRounds: Int = 50
  ) throws(LearningError) {
    for (index, round) in rounds.enumerated() {
      guard round.logits.count == round.prefixOutcomes.count else {
        throw LearningError(
          .shape, at: "round \(index)",
          "\(round.logits.count) logits and \(round.prefixOutcomes.count) outcomes")
      }
      guard round.logits.allSatisfy(\.isFinite),
        round.prefixOutcomes.allSatisfy({ (0...1).contains($0) })
      else { throw LearningError(.value, at: "round \(index)", "a number is out of range") }
    }
    var survival = [Double](repeating: 1, count: rounds.count)
    var temperatures: [Double] = []
    for position in 0..<(rounds.map(\.logits.count).max() ?? 0) {
      let reached = rounds.indices.filter { rounds[$0].logits.count > position }
      guard reached.count >= max(1, minimumRounds) else { break }
      let outcomes = reached.map { rounds[$0].prefixOutcomes[position] }
      func products(_ temperature: Double) -> [Double] {
        reached.map { survival[$0] * Double.sigmoid(rounds[$0].logits[position] / temperature) }
      }
      var best = (score: Double.infinity, temperature: 1.0)
      for candidate in Self.grid {
        let forecasts = try BinaryForecasts(
          probabilities: products(candidate), outcomes: outcomes)
        let score =
          switch objective {
          case .calibrationError(let bins): forecasts.expectedCalibrationError(bins: bins)
          case .logLoss: forecasts.logLoss
          }
        if score < best.score { best = (score, candidate) }
      }
      temperatures.append(best.temperature)
      for (index, product) in zip(reached, products(best.temperature)) { survival[index] = product }
    }
    guard !temperatures.isEmpty else {
      throw LearningError(
        .tooFewSamples, at: "sequential temperature scaling",
        "\(rounds.count) rounds, and \(minimumRounds) must have reached the first position")
    }
    self.temperatures = temperatures
  }

  /// The calibrated probability that the token at `position` (from 0) is accepted, given that those
  /// before it were.
  package func probability(logit: Double, position: Int) -> Double {
    .sigmoid(logit / temperature(position: position))
  }

  /// What divides the logits at `position` (from 0).
  package func temperature(position: Int) -> Double {
    position < temperatures.count ? temperatures[position] : temperatures.last ?? 1
  }
}
