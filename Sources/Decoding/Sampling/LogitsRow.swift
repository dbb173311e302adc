#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// One row of logits, read eight at a time.
///
/// Every sum goes in one fixed order, so equal logits give equal probabilities, bit for bit.
struct LogitsRow {
  let values: UnsafeBufferPointer<Float>

  init(_ values: UnsafeBufferPointer<Float>) { self.values = values }

  private var wholeLanes: Int { values.count & ~7 }

  private func lanes(at index: Int) -> SIMD8<Float> {
    UnsafeRawPointer(values.baseAddress.unsafelyUnwrapped + index)
      .loadUnaligned(as: SIMD8<Float>.self)
  }

  /// The largest value of `range`, and NaN for none.
  func largest(in range: Range<Int>) -> Float {
    var best = SIMD8<Float>(repeating: -.infinity)
    let whole = range.lowerBound + (range.count & ~7)
    for index in stride(from: range.lowerBound, to: whole, by: 8) {
      let next = lanes(at: index)
      best.replace(with: next, where: next .> best)
    }
    return (whole..<range.upperBound).reduce(best.max()) { max($0, values[$1]) }
  }

  var largest: Float { largest(in: 0..<values.count) }

  /// The first token with the largest value.
  var mostLikely: TokenID { mostLikely(in: 0..<values.count) }

  /// The same of the tokens in a range that is not empty.
  private func mostLikely(in range: Range<Int>) -> TokenID {
    // Blocks, so that the place is looked for only where the largest value is.
    let block = 512
    var (best, start) = (-Float.infinity, range.lowerBound)
    for candidate in stride(from: start, to: range.upperBound, by: block) {
      let value = largest(in: candidate..<min(candidate + block, range.upperBound))
      if value > best { (best, start) = (value, candidate) }
    }
    let index = (start..<range.upperBound).first { values[$0] == best }
    return TokenID(index ?? range.lowerBound)
  }

  /// The two tokens with the largest values.
  var likeliest: LikeliestTokens? {
    guard values.count > 1 else { return nil }
    let first = mostLikely
    let sides = [0..<Int(first), Int(first) + 1..<values.count]
    let others = sides.filter { !$0.isEmpty }.map(mostLikely(in:))
    return LikeliestTokens(
      first: first, second: others.max { values[Int($0)] < values[Int($1)] } ?? first)
  }

  /// `exp((value - largest) * scale)` of every value as Double, and their sum.
  func weights(scale: Float) -> (weights: [Double], sum: Double) {
    let top = largest
    var total = SIMD8<Double>(repeating: 0)
    var rest = 0.0
    let weights = [Double](unsafeUninitializedCapacity: values.count) { buffer, count in
      count = values.count
      guard let base = buffer.baseAddress else { return }
      for index in stride(from: 0, to: wholeLanes, by: 8) {
        let weight = SIMD8<Double>(exponential((lanes(at: index) - top) * scale))
        total += weight
        UnsafeMutableRawPointer(base + index).storeBytes(of: weight, as: SIMD8<Double>.self)
      }
      for index in wholeLanes..<values.count {
        let weight = Double(exponential(SIMD8(repeating: (values[index] - top) * scale))[0])
        rest += weight
        (base + index).initialize(to: weight)
      }
    }
    return (weights, total.sum() + rest)
  }

  /// `log softmax` of the row at `token`, in nats.
  func logProbability(of token: TokenID) -> Double {
    Double(values[Int(token)] - largest) - log(weights(scale: 1).sum)
  }

  /// What the row says about the next token at temperature 1, without drawing it.
  var summary: LogitsSummary {
    let top = largest
    var second = SIMD8<Float>(repeating: -.infinity)
    var firsts = second
    var (mass, moment) = (SIMD8<Float>(repeating: 0), SIMD8<Float>(repeating: 0))
    func add(_ next: SIMD8<Float>) {
      let isLarger = next .> firsts
      let beaten = next.replacing(with: firsts, where: isLarger)
      second.replace(with: beaten, where: beaten .> second)
      firsts.replace(with: next, where: isLarger)
      let distance = next - top
      let weight = exponential(distance)
      mass += weight
      moment += (weight * distance).replacing(with: 0, where: weight .== 0)
    }
    for index in stride(from: 0, to: wholeLanes, by: 8) { add(lanes(at: index)) }
    if wholeLanes < values.count {
      var last = SIMD8<Float>(repeating: -.infinity)
      for index in wholeLanes..<values.count { last[index - wholeLanes] = values[index] }
      add(last)
    }
    let sum = Double(mass.sum())
    // The runner-up is the largest of what is left when one of the largest is taken away.
    let all = (0..<8).flatMap { [firsts[$0], second[$0]] }.sorted(by: >)
    return LogitsSummary(
      topProbability: 1 / sum, secondProbability: exp(Double(all[1] - top)) / sum,
      entropy: max(0, log(sum) - Double(moment.sum()) / sum))
  }
}

/// The two likeliest tokens of a next-token distribution.
package struct LikeliestTokens: Sendable, Equatable {
  package var first: TokenID
  package var second: TokenID

  package init(first: TokenID, second: TokenID) {
    self.first = first
    self.second = second
  }

  /// The likelier of those that are not `token`.
  package func other(than token: TokenID) -> TokenID { token == first ? second : first }
}

/// The shape of a next-token distribution at temperature 1, before penalties and filters.
package struct LogitsSummary: Sendable, Equatable {
  /// Probability of the most likely token.
  package var topProbability: Double
  /// Probability of the next most likely one.
  package var secondProbability: Double
  /// In nats.
  package var entropy: Double

  package init(topProbability: Double, secondProbability: Double, entropy: Double) {
    self.topProbability = topProbability
    self.secondProbability = secondProbability
    self.entropy = entropy
  }
}

/// e^x for x <= 0, to about two units in the last place; 0 below -87.
///
/// x = n ln 2 + r with |r| <= ln 2 / 2; e^r by a polynomial of degree 6 (Cephes' expf), and 2^n put
/// into the exponent. The large constant rounds to a whole number without a conversion, and leaves
/// it in its low bits.
@inline(__always)
private func exponential(_ x: SIMD8<Float>) -> SIMD8<Float> {
  let rounder: Float = 12_582_912  // 1.5 * 2^23
  let shifted = x * 1.442_695_04 + rounder
  let n = shifted - rounder
  let r = (x - n * 0.693_359_375) - n * -2.121_944_40e-4
  var y = SIMD8<Float>(repeating: 1.987_569_15e-4)
  y = y * r + 1.398_199_95e-3
  y = y * r + 8.333_451_9e-3
  y = y * r + 4.166_579_6e-2
  y = y * r + 1.666_666_55e-1
  y = y * r + 5.000_000_1e-1
  y = y * r * r + r + 1
  let power = unsafeBitCast(shifted, to: SIMD8<UInt32>.self) &<< 23
  let result = unsafeBitCast(
    unsafeBitCast(y, to: SIMD8<UInt32>.self) &+ power, to: SIMD8<Float>.self)
  return result.replacing(with: 0, where: x .< -87)
}
