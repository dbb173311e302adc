/// Kendall's rank correlation with ties, tau-b (Kendall 1945), in O(n log n) by counting the swaps
/// of a merge sort (Knight 1966). Nil when there are not two different values on either side.
///
/// - Parameters: numbers without NaN, as many `x` as `y`.
func kendallTau(_ x: [Double], _ y: [Double]) -> Double? {
  let order = x.indices.sorted { x[$0] != x[$1] ? x[$0] < x[$1] : y[$0] < y[$1] }
  let xs = order.map { x[$0] }
  var ys = order.map { y[$0] }

  let pairs = pairCount(x.count)
  let tiedInBoth = tiedPairs(order.count) { xs[$0] == xs[$1] && ys[$0] == ys[$1] }
  let tiedInX = tiedPairs(order.count) { xs[$0] == xs[$1] }
  let swaps = sortCountingSwaps(&ys)
  let tiedInY = tiedPairs(order.count) { ys[$0] == ys[$1] }

  guard pairs > tiedInX, pairs > tiedInY else { return nil }
  let difference = Double(pairs - tiedInX - tiedInY + tiedInBoth - 2 * swaps)
  return difference / (Double(pairs - tiedInX) * Double(pairs - tiedInY)).squareRoot()
}

private func pairCount(_ count: Int) -> Int { count * (count - 1) / 2 }

/// Pairs inside runs of sorted elements that `areTied`.
private func tiedPairs(_ count: Int, areTied: (Int, Int) -> Bool) -> Int {
  var (pairs, run) = (0, 1)
  for index in stride(from: 1, through: count, by: 1) {
    if index < count, areTied(index - 1, index) {
      run += 1
    } else {
      pairs += pairCount(run)
      run = 1
    }
  }
  return pairs
}

/// Sorts by merging, and returns how many pairs stood in the wrong order.
private func sortCountingSwaps(_ values: inout [Double]) -> Int {
  var swaps = 0
  var merged = values
  var width = 1
  while width < values.count {
    for start in stride(from: 0, to: values.count, by: 2 * width) {
      let middle = min(start + width, values.count)
      let end = min(start + 2 * width, values.count)
      var (left, right) = (start, middle)
      for place in start..<end {
        if left < middle, right == end || values[left] <= values[right] {
          merged[place] = values[left]
          left += 1
        } else {
          merged[place] = values[right]
          swaps += middle - left
          right += 1
        }
      }
    }
    swap(&values, &merged)
    width *= 2
  }
  return swaps
}
