#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// How requests follow one another when they are drawn instead of read.
package enum ArrivalProcess: Equatable, Sendable {
  /// Independent arrivals, `rate` a second: exponential gaps.
  case poisson(rate: Double)
  /// Gamma gaps with the given coefficient of variation: above 1 comes in bursts, below 1 evenly.
  case gamma(rate: Double, variation: Double)
  /// Weibull gaps (ServeGen's other family) with the given shape: below 1 comes in bursts.
  case weibull(rate: Double, shape: Double)
  /// Everything at once: throughput studies.
  case together

  /// - Throws: `.invalidSetting` for a rate, variation or shape that is not above zero.
  package func validate() throws(WorkloadError) {
    let positive =
      switch self {
      case .poisson(let rate): rate > 0 && rate.isFinite
      case .gamma(let rate, let variation): rate > 0 && rate.isFinite && variation > 0.01
      case .weibull(let rate, let shape): rate > 0 && rate.isFinite && shape > 0.05
      case .together: true
      }
    guard positive else {
      throw WorkloadError(
        .invalidSetting, source: "arrivals", problem: "\(self) has a number out of range",
        advice: "rates are requests a second, above 0; a variation of 1 is Poisson")
    }
  }

  /// Requests a second.
  package var rate: Double {
    switch self {
    case .poisson(let rate), .gamma(let rate, _), .weibull(let rate, _): rate
    case .together: .infinity
    }
  }

  /// Seconds to the next arrival.
  package func gap(_ random: inout RandomSource) -> Double {
    switch self {
    case .poisson(let rate): return random.exponential() / rate
    case .gamma(let rate, let variation):
      let shape = 1 / (variation * variation)
      return random.gamma(shape: shape) / (shape * rate)
    case .weibull(let rate, let shape):
      return random.weibull(shape: shape, scale: 1 / (rate * tgamma(1 + 1 / shape)))
    case .together: return 0
    }
  }
}

/// Lengths of requests that are drawn: pairs taken from measurements, so that what prompt and
/// answer have to do with one another stays.
package struct LengthPairs: Equatable, Sendable {
  package private(set) var pairs: [(input: Int32, output: Int32)] = []

  package init(_ requests: [Request]) {
    pairs = requests.map {
      (Int32(clamping: $0.inputLength), Int32(clamping: $0.outputLength))
    }
  }

  /// Any pair, each as likely.
  package func draw(_ random: inout RandomSource) -> (input: Int, output: Int) {
    let pair = pairs[Int(random.uniform() * Double(pairs.count))]
    return (Int(pair.input), Int(pair.output))
  }

  package static func == (left: LengthPairs, right: LengthPairs) -> Bool {
    left.pairs.elementsEqual(right.pairs) { $0 == $1 }
  }
}
