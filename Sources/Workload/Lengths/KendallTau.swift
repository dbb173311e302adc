/// Kendall's rank correlation.
package enum KendallTau {
  /// Tau-b of paired values (ties in either are discounted), by Knight's method (1966): one sort and
  /// one count of inversions, O(n log n).
  ///
  /// - Returns: nil where it is not defined: fewer than two pairs, or one side all equal.
  package static func b(_ x: [Double], _ y: [Double]) -> Double? {
    precondition(x.count == y.count)
    guard x.count > 1 else { return nil }
    let order = x.indices.sorted { x[$0] == x[$1] ? y[$0] < y[$1] : x[$0] < x[$1] }
    var values = order.map { y[$0] }
    let pairs = pairCount(x.count)
    let tiedInX = tiedPairs(order.count) { x[order[$0]] == x[order[$1]] }
    let tiedInBoth = tiedPairs(order.count) {
      x[order[$0]] == x[order[$1]] && y[order[$0]] == y[order[$1]]
    }
    let inversions = Double(sortCountingInversions(&values))
    let tiedInY = tiedPairs(values.count) { values[$0] == values[$1] }
    let norm = ((pairs - tiedInX) * (pairs - tiedInY)).squareRoot()
    guard norm > 0 else { return nil }
    return (pairs - tiedInX - tiedInY + tiedInBoth - 2 * inversions) / norm
  }

  private static func pairCount(_ count: Int) -> Double { Double(count) * Double(count - 1) / 2 }

  /// Pairs within runs of neighbours that are equal.
  private static func tiedPairs(_ count: Int, areEqual: (Int, Int) -> Bool) -> Double {
    var sum = 0.0
    var first = 0
    for index in 1...count where index == count || !areEqual(first, index) {
      sum += pairCount(index - first)
      first = index
    }
    return sum
  }

  /// Merge sort from below; gives the number of pairs that stood in the wrong order.
  private static func sortCountingInversions(_ values: inout [Double]) -> Int {
    var inversions = 0
    var merged = values
    var width = 1
    while width < values.count {
      var start = 0
      while start < values.count {
        let middle = min(start + width, values.count)
        let end = min(start + 2 * width, values.count)
        var (left, right) = (start, middle)
        for place in start..<end {
          if left < middle, right == end || values[left] <= values[right] {
            merged[place] = values[left]
            left += 1
          } else {
            merged[place] = values[right]
            inversions += middle - left
            right += 1
          }
        }
        start = end
      }
      swap(&values, &merged)
      width *= 2
    }
    return inversions
  }
}
