/// The rising step function nearest to the data in squared error, by pooling adjacent violators
/// (Ayer et al. 1955), with straight lines between the steps.
package struct IsotonicRegression: Codable, Equatable, Sendable {
  /// Where the function is known, rising; each step has its first and its last place.
  private var places: [Double] = []
  private var values: [Double] = []

  /// - Throws: `shape` when the counts differ, `tooFewSamples` when there is nothing, `value` when a
  ///   number is not finite or a weight is not positive.
  package init(
    fitting x: [Double], _ y: [Double], weights: [Double] = []
  ) throws(LearningError) {
    try requireFinitePairs(x, y, at: "isotonic regression")
    guard weights.isEmpty || weights.count == x.count else {
      throw LearningError(
        .shape, at: "isotonic regression", "\(x.count) points and \(weights.count) weights")
    }
    guard weights.allSatisfy({ $0 > 0 && $0.isFinite }) else {
      throw LearningError(.value, at: "isotonic regression", "a weight is not positive")
    }
    var blocks: [Block] = []
    for point in Self.mergePlaces(x, y, weights) {
      // A value that is not above the last one is pooled with it.
      var block = point
      while let previous = blocks.last, previous.value >= block.value {
        blocks.removeLast()
        block.first = previous.first
        block.sum += previous.sum
        block.weight += previous.weight
      }
      blocks.append(block)
    }
    for block in blocks {
      for place in block.first < block.last ? [block.first, block.last] : [block.first] {
        places.append(place)
        values.append(block.value)
      }
    }
  }

  /// Points that share a value.
  private struct Block {
    var first: Double
    var last: Double
    var sum: Double
    var weight: Double
    var value: Double { sum / weight }
  }

  /// The data from left to right, with the points of one place averaged.
  private static func mergePlaces(_ x: [Double], _ y: [Double], _ weights: [Double]) -> [Block] {
    var blocks: [Block] = []
    for index in x.indices.sorted(by: { x[$0] < x[$1] }) {
      let weight = weights.isEmpty ? 1 : weights[index]
      if let last = blocks.last, last.last == x[index] {
        blocks[blocks.count - 1].sum += y[index] * weight
        blocks[blocks.count - 1].weight += weight
      } else {
        blocks.append(
          Block(first: x[index], last: x[index], sum: y[index] * weight, weight: weight))
      }
    }
    return blocks
  }

  /// The fitted value at `x`; outside of the data that of its nearest end.
  package func callAsFunction(_ x: Double) -> Double {
    var (low, high) = (0, places.count)
    while low < high {
      let middle = (low + high) / 2
      if places[middle] < x { low = middle + 1 } else { high = middle }
    }
    if low == places.count { return values[low - 1] }
    if low == 0 || places[low] == x { return values[low] }
    let share = (x - places[low - 1]) / (places[low] - places[low - 1])
    return values[low - 1] + share * (values[low] - values[low - 1])
  }
}
