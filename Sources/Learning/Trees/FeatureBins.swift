/// How each feature's values are cut into a few bins, so that the best split of a node is found by
/// one pass over bins (the histogram method of LightGBM, Ke et al. 2017).
struct FeatureBins: Sendable {
  /// For each feature the upper edges of its bins but the last, rising: `x` is in the first bin whose
  /// edge is not below it. Empty for a feature that cannot split anything.
  private(set) var cuts: [[Float]] = []
  /// Where each feature's bins begin among all bins, and their number at the end.
  private(set) var offsets: [Int32] = [0]
  /// For each feature the bin (among all) that rows do not list: that of zero for a sparse feature,
  /// the fullest for a dense one.
  private(set) var unlisted: [Int32] = []

  var binCount: Int { Int(offsets[offsets.count - 1]) }
  var featureCount: Int { cuts.count }

  /// - Parameter minimumRows: A sparse feature that fewer rows list gets no bins.
  init(fitting table: FeatureTable, denseBins: Int, sparseBins: Int, minimumRows: Int) {
    for column in 0..<table.denseWidth {
      let values = (0..<table.count).map { table.dense[$0 * table.denseWidth + column] }
      append(ValueCounts(values), limit: denseBins, unlistedValue: nil)
    }
    // The values of each sparse column, by counting how many it has.
    var starts = [Int](repeating: 0, count: table.sparseWidth + 1)
    for index in table.sparseIndices { starts[Int(index) + 1] += 1 }
    for column in 0..<table.sparseWidth { starts[column + 1] += starts[column] }
    var next = starts
    var values = [Float](repeating: 0, count: table.sparseValues.count)
    for (index, value) in zip(table.sparseIndices, table.sparseValues) {
      values[next[Int(index)]] = value
      next[Int(index)] += 1
    }
    for column in 0..<table.sparseWidth {
      let listed = values[starts[column]..<starts[column + 1]]
      let counts =
        listed.count < max(1, minimumRows)
        ? ValueCounts([]) : ValueCounts(listed, zeros: table.count - listed.count)
      append(counts, limit: sparseBins, unlistedValue: 0)
    }
  }

  private mutating func append(_ counts: ValueCounts, limit: Int, unlistedValue: Float?) {
    let cuts = counts.cuts(limit: limit)
    let offset = offsets[offsets.count - 1]
    self.cuts.append(cuts)
    offsets.append(cuts.isEmpty ? offset : offset + Int32(cuts.count) + 1)
    let value = unlistedValue ?? counts.mode(cuts: cuts)
    unlisted.append(offset + Int32(Self.bin(of: value, cuts)))
  }

  /// The bin of a value among a feature's own.
  static func bin(of value: Float, _ cuts: [Float]) -> Int {
    var (low, high) = (0, cuts.count)
    while low < high {
      let middle = (low + high) / 2
      if cuts[middle] < value { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

/// The different values of a column, rising, with how often each occurs.
struct ValueCounts {
  private var values: [Float] = []
  private var counts: [Int] = []

  init(_ column: some Sequence<Float>, zeros: Int = 0) {
    for value in column.sorted() { add(value, 1) }
    guard zeros > 0 else { return }
    let place = values.firstIndex { $0 >= 0 } ?? values.count
    if place < values.count, values[place] == 0 {
      counts[place] += zeros
    } else {
      values.insert(0, at: place)
      counts.insert(zeros, at: place)
    }
  }

  private mutating func add(_ value: Float, _ count: Int) {
    if values.last == value {
      counts[counts.count - 1] += count
    } else {
      values.append(value)
      counts.append(count)
    }
  }

  /// Edges between at most `limit` bins: between all values if they are few, otherwise so that bins
  /// hold about the same count and a value that fills a bin has one for itself.
  func cuts(limit: Int) -> [Float] {
    guard values.count > 1, limit > 1 else { return [] }
    var cuts: [Float] = []
    var remaining = counts.reduce(0, +)
    var inBin = 0
    for index in 0..<values.count - 1 {
      inBin += counts[index]
      let share = max(1, remaining / (limit - cuts.count))
      let isFull = values.count <= limit || inBin >= share || counts[index + 1] >= share
      guard isFull, cuts.count < limit - 1 else { continue }
      let (low, high) = (values[index], values[index + 1])
      let middle = low + (high - low) / 2
      cuts.append(middle < high ? middle : low)
      remaining -= inBin
      inBin = 0
    }
    return cuts
  }

  /// A value of the bin that holds most.
  func mode(cuts: [Float]) -> Float {
    var sums = [Int](repeating: 0, count: cuts.count + 1)
    for (value, count) in zip(values, counts) { sums[FeatureBins.bin(of: value, cuts)] += count }
    let fullest = sums.indices.max { sums[$0] < sums[$1] } ?? 0
    return values.first { FeatureBins.bin(of: $0, cuts) == fullest } ?? 0
  }
}

/// A table with bins in place of values: for each row the bins (among all) that are not the unlisted
/// one of their feature, rising. Dense and sparse features look the same from here on.
struct BinnedTable: Sendable {
  let bins: FeatureBins
  let count: Int
  /// Where each row's entries begin, and where the last row's end.
  private(set) var starts: [Int] = [0]
  private(set) var entries: [Int32] = []

  init(_ table: FeatureTable, bins: FeatureBins) {
    self.bins = bins
    count = table.count
    for row in 0..<table.count {
      for column in 0..<table.denseWidth {
        append(feature: column, table.dense[row * table.denseWidth + column])
      }
      for place in table.sparseStarts[row]..<table.sparseStarts[row + 1] {
        append(
          feature: table.denseWidth + Int(table.sparseIndices[place]), table.sparseValues[place])
      }
      starts.append(entries.count)
    }
  }

  private mutating func append(feature: Int, _ value: Float) {
    let cuts = bins.cuts[feature]
    guard !cuts.isEmpty else { return }
    let bin = bins.offsets[feature] + Int32(FeatureBins.bin(of: value, cuts))
    if bin != bins.unlisted[feature] { entries.append(bin) }
  }

  /// The bin (among all) in which a row has a feature.
  func bin(row: Int, feature: Int) -> Int32 {
    let (first, end) = (bins.offsets[feature], bins.offsets[feature + 1])
    var (low, high) = (starts[row], starts[row + 1])
    let last = high
    while low < high {
      let middle = (low + high) / 2
      if entries[middle] < first { low = middle + 1 } else { high = middle }
    }
    return low < last && entries[low] < end ? entries[low] : bins.unlisted[feature]
  }
}
