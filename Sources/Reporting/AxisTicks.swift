#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Where an axis has its ticks, and what is written there.
struct AxisTicks {
  struct Tick: Equatable {
    var value: Double
    var label: String
  }

  /// What the axis shows.
  let range: ClosedRange<Double>
  let ticks: [Tick]

  /// - Parameters:
  ///   - values: of the data on this axis; those that are not finite do not count.
  ///   - count: how many ticks there is room for, about.
  init(_ axis: Chart.Axis, values: [Double], count: Int) {
    let finite = values.filter(\.isFinite)
    switch axis.scale {
    case .categories(let names):
      range = -0.5...Double(max(1, names.count)) - 0.5
      ticks = names.enumerated().map { Tick(value: Double($0), label: $1) }
    case .linear:
      (range, ticks) = Self.linear(axis, finite, count)
    case .logarithmic:
      (range, ticks) = Self.logarithmic(axis, finite.filter { $0 > 0 })
    }
  }

  private static func linear(
    _ axis: Chart.Axis, _ values: [Double], _ count: Int
  ) -> (ClosedRange<Double>, [Tick]) {
    var low = axis.range?.lowerBound ?? values.min() ?? 0
    var high = axis.range?.upperBound ?? values.max() ?? 1
    if low == high { (low, high) = (low - 0.5, high + 0.5) }
    let rough = (high - low) / Double(max(1, count))
    // Numbers so large, or so near each other, that no tick lies between them.
    guard rough.isFinite, rough > 1e-10 * max(abs(low), abs(high)) else {
      return (low...max(low.nextUp, high), [Tick(value: low, label: axis.format.text(low))])
    }
    // Steps of 1, 2 or 5 times a power of ten.
    var exponent = Int(log10(rough).rounded(.down))
    let power = pow(10, Double(exponent))
    let factor = [1.0, 2, 5].first { $0 * power >= rough * 0.999 }
    if factor == nil { exponent += 1 }
    let step = (factor ?? 10) * power
    if axis.range == nil {
      (low, high) = ((low / step).rounded(.down) * step, (high / step).rounded(.up) * step)
    }
    let (first, last) = (Int((low / step).rounded(.up)), Int((high / step).rounded(.down)))
    let format = axis.format.withDigits(forSteps: exponent)
    let ticks = (first...max(first, last)).map { index in
      let value = Double(index) * step
      return Tick(value: value, label: format.text(value))
    }
    return (low...high, ticks)
  }

  private static func logarithmic(
    _ axis: Chart.Axis, _ values: [Double]
  ) -> (ClosedRange<Double>, [Tick]) {
    let low = max(axis.range?.lowerBound ?? values.min() ?? 1, .leastNormalMagnitude)
    var high = axis.range?.upperBound ?? values.max() ?? 10
    if low >= high { high = low * 10 }
    let exponents = Int(log10(low).rounded(.down))...Int(log10(high).rounded(.up))
    // Powers of ten where there are enough of them, also their doubles and halves where not.
    let factors: [Double] = exponents.count > 4 ? [1] : [1, 2, 5]
    let ticks = exponents.flatMap { exponent in
      factors.map { factor in
        let value = factor * pow(10, Double(exponent))
        return Tick(value: value, label: axis.format.withDigits(forSteps: exponent).text(value))
      }
    }.filter { low * 0.999...high * 1.001 ~= $0.value }
    return (low...high, ticks)
  }
}

extension NumberFormat {
  /// As many digits as tell steps of `10^exponent` apart.
  fileprivate func withDigits(forSteps exponent: Int) -> NumberFormat {
    switch self {
    case .fixed: .fixed(max(0, -exponent))
    case .times: .times(max(0, -exponent))
    case .percent: .percent(max(0, -exponent - 2))
    }
  }
}
