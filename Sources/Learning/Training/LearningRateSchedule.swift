/// How the learning rate changes over a run: a factor for each step.
package enum LearningRateSchedule: Codable, Equatable, Sendable {
  case constant
  /// Up in a line over the first share of the steps, then down half a cosine to zero: what Hugging
  /// Face calls `cosine`. The very first step has a factor of zero if there is a warm-up.
  case cosine(warmup: Double = 0.03)

  /// The factor of step `step` (from 0) of `total`.
  package func factor(step: Int, total: Int) -> Double {
    switch self {
    case .constant: return 1
    case .cosine(let warmup):
      let rising = Int((Double(total) * warmup).rounded(.up))
      if step < rising { return Double(step) / Double(max(1, rising)) }
      let progress = Double(step - rising) / Double(max(1, total - rising))
      return max(0, 0.5 * (1 + Double.cos(.pi * progress)))
    }
  }
}
