#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What a random number is for. Each purpose has its own numbers: using one for two ends (drawing a
/// candidate and judging it, say) would bias both.
package enum ChancePurpose: UInt32, Sendable {
  /// Drawing a candidate from the draft's distribution.
  case draft = 1
  /// Accepting or rejecting a candidate.
  case accept = 2
  /// Drawing in the place of a rejected candidate.
  case residual = 3
  /// Drawing from the target's own distribution: after a fully accepted draft, and when decoding
  /// plainly.
  case target = 4
  /// The noise that draft and target share when they are coupled.
  case coupled = 5
  /// Drawing a second candidate for a place.
  case sibling = 6
  /// Accepting or rejecting that.
  case acceptSibling = 7
}

/// Every random decision of a generation, at the position of the token that it decides.
///
/// The tests put in a source that takes every branch in turn and keeps its probability, so that the
/// law of the whole output is computed rather than sampled.
package protocol ChanceSource {
  /// A round begins whose first candidate is at `position`. What follows is independent of what other
  /// rounds drew at the same positions and threw away: it may have decided what they kept.
  mutating func beginRound(at position: Int)
  mutating func token(
    from distribution: TokenDistribution, position: Int, purpose: ChancePurpose
  ) -> TokenID
  /// True with the given probability.
  mutating func accepts(probability: Double, position: Int, purpose: ChancePurpose) -> Bool
  /// A draw by noise that depends on the seed and the position alone (Gumbel-max): two distributions
  /// that agree give the same token, and mostly so when they nearly agree.
  mutating func coupledToken(from distribution: TokenDistribution, position: Int) -> TokenID
}

extension ChanceSource {
  /// Judges a candidate.
  package mutating func accepts(probability: Double, position: Int) -> Bool {
    accepts(probability: probability, position: position, purpose: .accept)
  }
}

/// Random numbers that depend on (seed, request, round, position, purpose) and nothing else; coupled
/// ones not on the round.
package struct SeededChance: ChanceSource, Sendable {
  private let seed: UInt64
  private let request: UInt64
  /// Where the round began.
  private var round: UInt32 = 0

  package init(seed: UInt64, request: UInt64) {
    self.seed = seed
    self.request = request
  }

  package mutating func beginRound(at position: Int) {
    round = UInt32(truncatingIfNeeded: position)
  }

  package mutating func token(
    from distribution: TokenDistribution, position: Int, purpose: ChancePurpose
  ) -> TokenID {
    if distribution.probabilities.count == 1, let only = distribution.tokens?.first { return only }
    return distribution.token(at: uniform(position, purpose))
  }

  package mutating func accepts(
    probability: Double, position: Int, purpose: ChancePurpose
  ) -> Bool {
    if probability >= 1 { return true }
    return probability > 0 && uniform(position, purpose) < probability
  }

  package mutating func coupledToken(
    from distribution: TokenDistribution, position: Int
  ) -> TokenID {
    // Exponential clocks: token x rings at E(x) / p(x); the first to ring is drawn.
    var best: (time: Double, token: TokenID) = (.infinity, distribution.tokens?.first ?? 0)
    for (index, probability) in distribution.probabilities.enumerated() where probability > 0 {
      let token = distribution.tokens?[index] ?? TokenID(index)
      let words = Philox.words(key: seed, counter: counter(position, .coupled, UInt32(token)))
      let time = -log1p(-Philox.unit(words[0], words[1])) / probability
      if time < best.time { best = (time, token) }
    }
    return best.token
  }

  private func uniform(_ position: Int, _ purpose: ChancePurpose) -> Double {
    let words = Philox.words(key: seed, counter: counter(position, purpose, round))
    return Philox.unit(words[0], words[1])
  }

  /// Position and purpose share a word: contexts stay below 2^28 tokens.
  private func counter(_ position: Int, _ purpose: ChancePurpose, _ lane: UInt32) -> SIMD4<UInt32> {
    SIMD4(
      UInt32(truncatingIfNeeded: position) << 4 | purpose.rawValue, lane,
      UInt32(truncatingIfNeeded: request), UInt32(truncatingIfNeeded: request >> 32))
  }
}
