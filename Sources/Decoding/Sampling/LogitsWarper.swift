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
    let blocks = (size + block - 1) / block
    let maxima = [Float](unsafeUninitializedCapacity: blocks) { buffer, used in
      for index in 0..<blocks {
        let start = index * block
        buffer.initializeElement(
          at: index, to: row.largest(in: start..<min(start + block, size)))
      }
      used = blocks
    }
    let bound = count <= blocks ? nthLargest(count, of: maxima) : -.infinity
    var found: [(value: Float, token: Int)] = []
    found.reserveCapacity(4 * min(count, size))
    for (index, largest) in maxima.enumerated() where largest >= bound {
      for token in index * block..<min((index + 1) * block, size) where row.values[token] >= bound {
        found.append((row.values[token], token))
      }
    }
    guard !found.isEmpty else { return [row.mostLikely] }  // not one number among the logits
    let least = nthLargest(min(count, found.count), of: found.map(\.value))
    return found.filter { $0.value >= least }.map { TokenID($0.token) }
  }
}

/// The n-th largest of some values, in time that grows with their number (Hoare's selection).
private func nthLargest(_ n: Int, of values: [Float]) -> Float {
  var values = values
  return values.withUnsafeMutableBufferPointer { values in
    var (low, high) = (0, values.count - 1)
    while low < high {
      // The middle of three as the pivot: sorted and equal values stay fast.
      let (a, b, c) = (values[low], values[(low + high) / 2], values[high])
      let pivot = max(min(a, b), min(max(a, b), c))
      var (left, right) = (low, high)
      while left <= right {
        while values[left] > pivot { left += 1 }
        while values[right] < pivot { right -= 1 }
        if left <= right {
          values.swapAt(left, right)
          left += 1
          right -= 1
        }
      }
      if n - 1 <= right {
        high = right
      } else if n - 1 >= left {
        low = left
      } else {
        break
      }
    }
    return values[n - 1]
  }
}
