import Learning

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// How good forecasts of distributions are, by every measure that somebody goes by. All draws of a
/// row are scored and averaged, so that a row counts once; tau takes the first draw.
///
/// Sums over rows are kept by prompt, so that whoever wants an interval can resample prompts: the
/// rows of one prompt under several models are not independent.
package struct LengthScores: Sendable {
  /// What each row adds, in the order of `RowScore`'s members.
  package enum Measure: Int, CaseIterable, Sendable {
    case absoluteError, squaredError, within50, within100
    case pinball10, pinball50, pinball90, pinball99
    case rankedProbability
    case covered80, width80, covered90, width90
    case covered90Upper, unused90, exceeded99
  }

  /// By prompt: the number of rows, then the sums of the measures over them.
  package private(set) var sumsByPrompt: [[Double]] = []
  /// Predicted medians and first draws, by prompt.
  private var medians: [[(predicted: Double, drawn: Double)]] = []
  /// Shares of draws by tenths of the predicted distribution.
  package private(set) var probabilityIntegral = [Double](repeating: 0, count: 10)

  /// What reserving memory for a predicted quantile comes to, by `reservationLevels`: means over rows
  /// of the share of draws that fit, and of the tokens that are reserved and not used.
  package private(set) var reservations = [(covered: Double, unused: Double)](
    repeating: (0, 0), count: Self.reservationLevels.count)
  package static let reservationLevels = [0.5, 0.75, 0.8, 0.85, 0.9, 0.95, 0.99]

  package init(_ forecasts: [LengthForecast]) {
    var places: [String: Int] = [:]
    for forecast in forecasts {
      let place = places[forecast.row.promptID] ?? sumsByPrompt.count
      if place == sumsByPrompt.count {
        places[forecast.row.promptID] = place
        sumsByPrompt.append([Double](repeating: 0, count: 1 + Measure.allCases.count))
        medians.append([])
      }
      add(forecast, at: place)
    }
    let all = probabilityIntegral.reduce(0, +)
    for index in probabilityIntegral.indices { probabilityIntegral[index] /= max(1, all) }
    let rows = Double(max(1, forecasts.count))
    for index in reservations.indices {
      reservations[index].covered /= rows
      reservations[index].unused /= rows
    }
  }

  private mutating func add(_ forecast: LengthForecast, at place: Int) {
    let predicted = forecast.predicted
    let quantile = [0.05, 0.1, 0.5, 0.9, 0.95, 0.99].map { predicted.quantile($0) }
    let median = quantile[2]
    // The distribution as 20 equally likely lengths, for its ranked probability score.
    let members = (0..<20).map { predicted.quantile((Double($0) + 0.5) / 20) }
    let weight = 1 / Double(forecast.row.outputSizes.count)
    func add(_ measure: Measure, _ value: Double) {
      sumsByPrompt[place][1 + measure.rawValue] += value * weight
    }
    func pinball(_ level: Double, _ quantile: Double, _ draw: Double) -> Double {
      max(level * (draw - quantile), (level - 1) * (draw - quantile))
    }
    for (index, level) in Self.reservationLevels.enumerated() {
      let reserved = predicted.quantile(level)
      for size in forecast.row.outputSizes where Double(size) <= reserved {
        reservations[index].covered += weight
        reservations[index].unused += weight * (reserved - Double(size))
      }
    }
    sumsByPrompt[place][0] += 1
    medians[place].append((median, Double(forecast.row.outputSizes.first ?? 0)))
    for size in forecast.row.outputSizes {
      let draw = Double(size)
      let error = abs(draw - median)
      add(.absoluteError, error)
      add(.squaredError, (draw - median) * (draw - median))
      add(.within50, error <= 50 ? 1 : 0)
      add(.within100, error <= 100 ? 1 : 0)
      add(.pinball10, pinball(0.1, quantile[1], draw))
      add(.pinball50, pinball(0.5, median, draw))
      add(.pinball90, pinball(0.9, quantile[3], draw))
      add(.pinball99, pinball(0.99, quantile[5], draw))
      let score = try? rankedProbabilityScore(draws: members, outcome: draw, fair: false)
      add(.rankedProbability, score ?? 0)
      add(.covered80, (quantile[1]...quantile[3]).contains(draw) ? 1 : 0)
      add(.width80, quantile[3] - quantile[1])
      add(.covered90, (quantile[0]...quantile[4]).contains(draw) ? 1 : 0)
      add(.width90, quantile[4] - quantile[0])
      add(.covered90Upper, draw <= quantile[3] ? 1 : 0)
      add(.unused90, max(0, quantile[3] - draw))
      add(.exceeded99, draw > quantile[5] ? 1 : 0)
      let place = 1 - predicted.survival(draw)
      probabilityIntegral[min(9, max(0, Int(place * 10)))] += weight
    }
  }

  package var rowCount: Int { Int(sumsByPrompt.reduce(0) { $0 + $1[0] }) }

  /// The mean over rows; the squared error's is not yet rooted.
  package subscript(_ measure: Measure) -> Double {
    sumsByPrompt.reduce(0) { $0 + $1[1 + measure.rawValue] } / Double(max(1, rowCount))
  }

  package var rootMeanSquareError: Double { self[.squaredError].squareRoot() }

  /// Tau-b of medians with first draws over the prompts at `places`; all by default.
  package func kendallTau(prompts places: [Int]? = nil) -> Double? {
    let pairs = (places ?? Array(medians.indices)).flatMap { medians[$0] }
    return rankCorrelation(pairs.map(\.predicted), pairs.map(\.drawn))
  }

  /// Mean tau-b inside windows of so many rows in random order: what a scheduler sees of a queue.
  package func kendallTau(window: Int, seed: UInt64 = 1) -> Double? {
    let pairs = medians.flatMap(\.self)
    return rankCorrelation(
      pairs.map(\.predicted), pairs.map(\.drawn), window: window, seed: seed)
  }

  /// The greatest distance of the probability integral from uniform, on tenths.
  package var calibrationDistance: Double {
    var (sum, greatest) = (0.0, 0.0)
    for (index, share) in probabilityIntegral.enumerated() {
      sum += share
      greatest = max(greatest, abs(sum - Double(index + 1) / 10))
    }
    return greatest
  }
}
