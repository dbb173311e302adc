/// A probability for each token: what a token is drawn from, and what candidates are judged by.
///
/// Draft and target distributions are made by the same code from rows of logits, so that the ratio
/// of their probabilities is the one that the candidates were really drawn with.
package struct TokenDistribution: Sendable, Equatable {
  /// The tokens that can be drawn, ascending; nil when token i is at index i.
  package let tokens: [TokenID]?
  /// Their probabilities, which sum to 1 up to rounding.
  package let probabilities: [Double]

  /// All of the probability on one token.
  package init(only token: TokenID) {
    tokens = [token]
    probabilities = [1]
  }

  /// Normalises weights: token i has `weights[i]`, not negative, not all zero.
  package init(weights: [Double]) {
    tokens = nil
    probabilities = Self.normalised(weights)
  }

  /// Normalises the weights of some tokens, which ascend.
  package init(tokens: [TokenID], weights: [Double]) {
    self.tokens = tokens
    probabilities = Self.normalised(weights)
  }

  private static func normalised(_ weights: [Double]) -> [Double] {
    let scale = 1 / sum(weights)
    return weights.map { $0 * scale }
  }

  /// Eight sums side by side: one alone would wait for every addition before the next.
  private static func sum(_ values: [Double]) -> Double {
    values.withUnsafeBytes { bytes in
      var sums = SIMD8<Double>(repeating: 0)
      let whole = values.count & ~7
      for index in stride(from: 0, to: whole, by: 8) {
        sums += bytes.loadUnaligned(
          fromByteOffset: index * MemoryLayout<Double>.stride, as: SIMD8<Double>.self)
      }
      return values[whole...].reduce(sums.sum(), +)
    }
  }

  /// Takes probabilities that are normalised already.
  init(normalised probabilities: [Double]) {
    tokens = nil
    self.probabilities = probabilities
  }

  /// 0 for a token that cannot be drawn.
  package func probability(of token: TokenID) -> Double {
    guard let tokens else {
      return probabilities.indices.contains(Int(token)) ? probabilities[Int(token)] : 0
    }
    var (low, high) = (0, tokens.count)
    while low < high {
      let middle = (low + high) / 2
      if tokens[middle] < token { low = middle + 1 } else { high = middle }
    }
    return low < tokens.count && tokens[low] == token ? probabilities[low] : 0
  }

  /// The token whose share of [0, 1) holds `uniform`: the inverse of the cumulative distribution.
  package func token(at uniform: Double) -> TokenID {
    let index = probabilities.withUnsafeBufferPointer { Self.index(in: $0, at: uniform) }
    return tokens.map { $0[index] } ?? TokenID(index)
  }

  /// Steps over blocks by their sums, which a vector unit adds, then over single tokens.
  private static func index(in values: UnsafeBufferPointer<Double>, at uniform: Double) -> Int {
    let block = 64
    var rest = uniform
    var start = 0
    while start + block <= values.count {
      var sums = SIMD8<Double>(repeating: 0)
      for lane in stride(from: start, to: start + block, by: 8) {
        sums += UnsafeRawPointer(values.baseAddress.unsafelyUnwrapped + lane)
          .loadUnaligned(as: SIMD8<Double>.self)
      }
      let sum = sums.sum()
      if rest < sum { break }
      rest -= sum
      start += block
    }
    var last = 0  // rounding may leave a rest behind the last token that can be drawn
    for index in start..<values.count {
      if values[index] > 0 { last = index }
      rest -= values[index]
      if rest < 0 { return index }
    }
    if last == 0 { last = values.lastIndex { $0 > 0 } ?? 0 }
    return last
  }

  /// What is left of this distribution where it exceeds the other: `norm(max(p - q, 0))`, from which
  /// a token is drawn in the place of a rejected candidate (Leviathan et al., 2211.17192, section
  /// 2.3). This distribution itself when nothing is left, which happens only where no candidate can
  /// be rejected.
  package func residual(over other: TokenDistribution, scale: Double = 1) -> TokenDistribution {
    let weights = excess(over: other, scale: scale)
    guard weights.contains(where: { $0 > 0 }) else { return self }
    return tokens.map { TokenDistribution(tokens: $0, weights: weights) }
      ?? TokenDistribution(weights: weights)
  }

  /// This distribution given that it is not `token`; nil where nothing else can be drawn.
  package func without(_ token: TokenID) -> TokenDistribution? {
    var weights = probabilities
    guard let index = tokens.map({ $0.firstIndex(of: token) }) ?? Int(token),
      weights.indices.contains(index)
    else { return self }
    weights[index] = 0
    guard weights.contains(where: { $0 > 0 }) else { return nil }
    return tokens.map { TokenDistribution(tokens: $0, weights: weights) }
      ?? TokenDistribution(weights: weights)
  }

  /// `max(scale * p - q, 0)` for each entry of this distribution.
  package func excess(over other: TokenDistribution, scale: Double = 1) -> [Double] {
    if tokens == nil, other.tokens == nil {
      let count = min(probabilities.count, other.probabilities.count)
      return probabilities.withUnsafeBufferPointer { p in
        other.probabilities.withUnsafeBufferPointer { q in
          [Double](unsafeUninitializedCapacity: count) { buffer, filled in
            for index in 0..<count {
              buffer.initializeElement(at: index, to: max(scale * p[index] - q[index], 0))
            }
            filled = count
          }
        }
      }
    }
    return probabilities.indices.map { index in
      let token = tokens?[index] ?? TokenID(index)
      return max(scale * probabilities[index] - other.probability(of: token), 0)
    }
  }
}
