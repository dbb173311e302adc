/// How a number is shown to people. Files for programs hold numbers as they are.
package enum NumberFormat: Sendable, Equatable {
  /// With so many digits behind the point.
  case fixed(Int)
  /// A fraction as a percentage, with so many digits behind the point.
  case percent(Int)
  /// A ratio: `1.83x`.
  case times(Int)

  package func text(_ value: Double) -> String {
    switch self {
    case .fixed(let digits): Self.decimal(value, digits)
    case .percent(let digits): Self.decimal(100 * value, digits) + " %"
    case .times(let digits): Self.decimal(value, digits) + "x"
    }
  }

  /// Digits of the rounded number, halves away from zero; numbers too large for that as Swift prints
  /// them.
  private static func decimal(_ value: Double, _ digits: Int) -> String {
    let scale = (0..<digits).reduce(1.0) { scale, _ in scale * 10 }
    let scaled = (abs(value) * scale).rounded()
    guard scaled < 1e15 else { return value.description }
    let sign = value < 0 && scaled > 0 ? "-" : ""
    let (whole, rest) = Int(scaled).quotientAndRemainder(dividingBy: Int(scale))
    guard digits > 0 else { return "\(sign)\(whole)" }
    let fraction = "\(rest)"
    return "\(sign)\(whole)." + String(repeating: "0", count: digits - fraction.count) + fraction
  }
}
