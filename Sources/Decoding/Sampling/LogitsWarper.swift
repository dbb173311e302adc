#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The one place where logits become the distribution that a token is drawn from, for draft and
/// target alike.
///
/// In this order: penalties, temperature, top-k, top-p, min-p (Hugging Face's). The filters work on
/// probabilities at the given temperature; at temperature 0 the most likely token has it all.
package struct LogitsWarper: Sendable {
  package let options: SamplingOptions

  package init(_ options: SamplingOptions) { self.options = options }

  /// - Parameter logits: one row, as the model gave it.
  /// - Parameter history: the tokens that the penalties count.
  package func distribution(
    _ logits: UnsafeBufferPointer<Float>, history: TokenHistory
  ) -> TokenDistribution {
    guard options.hasPenalties else { return filtered(LogitsRow(logits)) }
    var penalised = Array(logits)
    history.penalise(&penalised, options)
    return penalised.withUnsafeBufferPointer { filtered(LogitsRow($0)) }
  }

  private func filtered(_ row: LogitsRow) -> TokenDistribution {
    if options.temperature == 0 { return TokenDistribution(only: row.mostLikely) }
    let scale = Float(1 / options.temperature)
    if 0 < options.topK, options.topK < row.values.count {
      let top = row.largest
      let kept = likeliest(options.topK, of: row).map { token in
        Weighted(token: token, weight: exp(Double((row.values[Int(token)] - top) * scale)))
      }
      return narrowed(kept, mass: kept.reduce(0) { $0 + $1.weight })
    }
    var (weights, mass) = row.weights(scale: scale)
    // Tokens below (1 - p) / V have less than 1 - p together: top-p needs none of them. The largest
    // weight is 1.
    let least = max(options.minP, (1 - options.topP) / Double(weights.count) * mass)
    if least > 0 {
      var kept: [Weighted] = []
      for (index, weight) in weights.enumerated() where weight >= least {
        kept.append(Weighted(token: TokenID(index), weight: weight))
      }
      return narrowed(kept, mass: mass)
    }
    let factor = 1 / mass
    for index in weights.indices { weights[index] *= factor }
    return TokenDistribution(normalised: weights)
  }

  private struct Weighted {
    var token: TokenID
    /// Relative to the most likely token's, which is 1.
    var weight: Double
  }

  /// Top-p and min-p among tokens in ascending order; `mass` is all that top-p counts against.
  private func narrowed(_ tokens: [Weighted], mass: Double) -> TokenDistribution {
    var kept = tokens
    if options.topP < 1 {
      kept.sort { $0.weight != $1.weight ? $0.weight > $1.weight : $0.token < $1.token }
      var sum = 0.0
      let last = kept.firstIndex { entry in
        sum += entry.weight
        return sum >= options.topP * mass
      }
      if let last { kept.removeSubrange((last + 1)...) }
      kept.sort { $0.token < $1.token }
    }
    kept.removeAll { $0.weight < options.minP }
    return TokenDistribution(tokens: kept.map(\.token), weights: kept.map(\.weight))
  }

  /// The `count` most likely tokens and those tied with the last of them, ascending.
  private func likeliest(_ count: Int, of row: LogitsRow) -> [TokenID] {
    // The count-th largest of the blocks' maxima is a bound that at least `count` values reach, and
    // few others: blocks below it are passed over whole.
    let block = 32
    let size = row.values.count
    let starts = Array(stride(from: 0, to: size, by: block))
    let maxima = starts.map { row.largest(in: $0..<min($0 + block, size)) }
    let bound = count <= maxima.count ? maxima.sorted(by: >)[count - 1] : -.infinity
    var found: [(value: Float, token: Int)] = []
    for (start, largest) in zip(starts, maxima) where largest >= bound {
      for token in start..<min(start + block, size) where row.values[token] >= bound {
        found.append((row.values[token], token))
      }
    }
    let least = found.map(\.value).sorted(by: >)[min(count, found.count) - 1]
    return found.filter { $0.value >= least }.map { TokenID($0.token) }
  }
}
