#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The standard normal distribution.
package enum Normal {
  /// Φ(x).
  package static func cumulative(_ x: Double) -> Double { 0.5 * erfc(-x * 0.5.squareRoot()) }

  /// Φ⁻¹(p) for p in (0, 1): Acklam's rational approximation and one Halley step, which leaves
  /// an error near 1e-15.
  package static func quantile(_ p: Double) -> Double {
    if p <= 0 { return -.infinity }
    if p >= 1 { return .infinity }
    var x = rational(p)
    let error = cumulative(x) - p
    let step = error * (2 * Double.pi).squareRoot() * exp(x * x / 2)
    x -= step / (1 + x * step / 2)
    return x
  }

  private static func rational(_ p: Double) -> Double {
    func tail(_ q: Double) -> Double {
      (((((-7.784894002430293e-3 * q - 3.223964580411365e-1) * q - 2.400758277161838) * q
        - 2.549732539343734) * q + 4.374664141464968) * q + 2.938163982698783)
        / ((((7.784695709041462e-3 * q + 3.224671290700398e-1) * q + 2.445134137142996) * q
          + 3.754408661907416) * q + 1)
    }
    if p < 0.02425 { return tail((-2 * log(p)).squareRoot()) }
    if p > 1 - 0.02425 { return -tail((-2 * log(1 - p)).squareRoot()) }
    let q = p - 0.5
    let r = q * q
    let numerator =
      ((((-3.969683028665376e1 * r + 2.209460984245205e2) * r - 2.759285104469687e2) * r
        + 1.383577518672690e2) * r - 3.066479806614716e1) * r + 2.506628277459239
    let denominator =
      ((((-5.447609879822406e1 * r + 1.615858368580409e2) * r - 1.556989798598866e2) * r
        + 6.680131188771972e1) * r - 1.328068155288572e1) * r + 1
    return numerator * q / denominator
  }
}
