extension Chart {
  /// Horizontal bars with their intervals: a bar for each category and group, from `origin` on.
  ///
  /// - Parameters:
  ///   - groups: a value for each category, nil where there is none.
  ///   - reference: where to draw a line to compare with.
  package static func bars(
    title: String, summary: String, value: Axis, categories: [String],
    groups: [(name: String, values: [Estimate?])], origin: Double = 0, reference: Double? = nil
  ) -> Chart {
    var series = groups.enumerated().map { group, values in
      Series(
        groups.count > 1 ? values.name : "", .ordinal(group),
        values.values.enumerated().flatMap { category, estimate -> [Mark] in
          guard let estimate else { return [] }
          let lane = Self.lane(group, of: groups.count, at: category)
          let middle = (lane.lowerBound + lane.upperBound) / 2
          let text = value.format.text(estimate.value)
          let name = [categories[category], values.name].filter { !$0.isEmpty }
          var marks: [Mark] = [
            .bar(
              x: min(origin, estimate.value)...max(origin, estimate.value), y: lane,
              note: name.joined(separator: ", ") + ": " + text)
          ]
          if estimate.low < estimate.high {
            marks.append(.whisker(Point(estimate.low, middle), Point(estimate.high, middle)))
          }
          return marks + [.text(Point(max(estimate.value, estimate.high), middle), text)]
        })
    }
    if let reference {
      let ends = [-0.5, Double(categories.count) - 0.5].map { Point(reference, $0) }
      series.append(Series("", .muted, [.line(ends, dashed: true)]))
    }
    var chart = Chart(
      title: title, summary: summary, x: value, y: Axis("", scale: .categories(categories)),
      series: series)
    chart.height = Self.height(categories: categories.count, lanes: groups.count)
    return chart
  }

  /// Horizontal bars made of parts, one bar for each category.
  package static func stackedBars(
    title: String, summary: String, value: Axis, categories: [String],
    parts: [(name: String, values: [Double])]
  ) -> Chart {
    var reached = [Double](repeating: 0, count: categories.count)
    let series = parts.enumerated().map { index, part in
      Series(
        part.name, .ordinal(index),
        part.values.enumerated().map { category, length in
          let begin = reached[category]
          reached[category] += length
          return .bar(
            x: begin...max(begin, reached[category]), y: lane(0, of: 1, at: category),
            note: "\(categories[category]), \(part.name): \(value.format.text(length))")
        })
    }
    var chart = Chart(
      title: title, summary: summary, x: value, y: Axis("", scale: .categories(categories)),
      series: series)
    chart.height = height(categories: categories.count, lanes: 1)
    return chart
  }

  /// Upright bars over the whole numbers 0, 1, ...: what share of a group has each.
  package static func columns(
    title: String, summary: String, x: Axis, y: Axis,
    groups: [(name: String, values: [Double])]
  ) -> Chart {
    let series = groups.enumerated().map { group, values in
      Series(
        groups.count > 1 ? values.name : "", .ordinal(group),
        values.values.enumerated().map { place, height in
          .bar(
            x: lane(group, of: groups.count, at: place), y: 0...max(0, height),
            note: "\(values.name), \(place): \(y.format.text(height))")
        })
    }
    let count = groups.map(\.values.count).max() ?? 0
    var x = x
    x.scale = .categories((0..<count).map { "\($0)" })
    return Chart(title: title, summary: summary, x: x, y: y, series: series)
  }

  /// How many numbers lie in each of `binCount` bins of equal width.
  package static func histogram(
    title: String, summary: String, x: Axis, y: Axis, _ sample: Sample, binCount: Int = 20
  ) -> Chart {
    guard let low = sample.minimum, let high = sample.maximum, low < high else {
      let all = sample.minimum.map { ($0 - 0.5)...($0 + 0.5) }
      let bars = all.map { Mark.bar(x: $0, y: 0...Double(sample.count), note: "\(sample.count)") }
      return Chart(
        title: title, summary: summary, x: x, y: y,
        series: [Series("", .ordinal(0), bars.map { [$0] } ?? [])])
    }
    let width = (high - low) / Double(binCount)
    var counts = [Int](repeating: 0, count: binCount)
    for value in sample.sorted { counts[min(binCount - 1, Int((value - low) / width))] += 1 }
    let bars = counts.enumerated().map { bin, count -> Mark in
      let from = low + Double(bin) * width
      return .bar(x: from...from + width, y: 0...Double(count), note: "\(count)")
    }
    return Chart(
      title: title, summary: summary, x: x, y: y, series: [Series("", .ordinal(0), bars)])
  }

  /// Lines, each through its points, with a band of uncertainty where there is one.
  package static func lines(
    title: String, summary: String, x: Axis, y: Axis,
    _ lines: [(name: String, points: [Point], band: (lower: [Point], upper: [Point])?)]
  ) -> Chart {
    let series = lines.enumerated().map { index, line in
      let band = line.band.map { [Mark.band(lower: $0.lower, upper: $0.upper)] } ?? []
      return Series(
        line.name, .ordinal(index), band + [.line(line.points)] + line.points.map { .dot($0) })
    }
    return Chart(title: title, summary: summary, x: x, y: y, series: series)
  }

  /// Named points; those of a connected series lie on a line.
  package static func scatter(
    title: String, summary: String, x: Axis, y: Axis,
    _ clouds: [(name: String, isConnected: Bool, points: [(point: Point, label: String)])]
  ) -> Chart {
    let series = clouds.enumerated().map { index, cloud in
      let line = cloud.isConnected ? [Mark.line(cloud.points.map(\.point))] : []
      let dots = cloud.points.map { Mark.dot($0.point, label: $0.label) }
      return Series(cloud.name, .ordinal(index), line + dots)
    }
    return Chart(title: title, summary: summary, x: x, y: y, series: series)
  }

  /// The share of each sample that is at most x.
  package static func cumulative(
    title: String, summary: String, x: Axis, _ samples: [(name: String, sample: Sample)]
  ) -> Chart {
    let series = samples.enumerated().map { index, named in
      let sample = named.sample
      var steps: [Point] = []
      for (rank, value) in sample.sorted.enumerated() {
        // A step for each rank; long samples as finely as the picture can show.
        let stride = max(1, sample.count / 500)
        guard rank % stride == 0 || rank == sample.count - 1 else { continue }
        steps.append(Point(value, steps.last?.y ?? 0))
        steps.append(Point(value, Double(rank + 1) / Double(sample.count)))
      }
      return Series(named.name, .ordinal(index), [.line(steps)])
    }
    let share = Axis("share at most that", format: .percent(0), range: 0...1)
    return Chart(title: title, summary: summary, x: x, y: share, series: series)
  }

  /// What came true against what was predicted, beside the line on which they agree, over the share
  /// of predictions in each bin.
  package static func reliability(
    title: String, summary: String, predicted: String, observed: String,
    _ curves: [(name: String, reliability: Reliability)]
  ) -> Chart {
    let agreement = Series("", .muted, [.line([Point(0, 0), Point(1, 1)], dashed: true)])
    let series = curves.enumerated().map { index, curve in
      let points = curve.reliability.bins.map { Point($0.predicted, $0.observed) }
      let shares = curve.reliability.bins.map { bin -> Mark in
        let share = Double(bin.count) / Double(curve.reliability.count)
        let foot = Point(bin.predicted, 0)
        return .line([foot, Point(bin.predicted, share)])
      }
      return Series(curve.name, .ordinal(index), shares + [.line(points)] + points.map { .dot($0) })
    }
    return Chart(
      title: title, summary: summary,
      x: Axis(predicted, format: .percent(0), range: 0...1),
      y: Axis(observed, format: .percent(0), range: 0...1), series: [agreement] + series)
  }

  /// The part of a category's place that a group's bar takes.
  private static func lane(_ group: Int, of groups: Int, at category: Int) -> ClosedRange<Double> {
    let filled = 0.76
    let width = filled / Double(max(1, groups))
    let begin = Double(category) - filled / 2 + Double(group) * width
    return begin...begin + width
  }

  private static func height(categories: Int, lanes: Int) -> Double {
    90 + Double(categories) * max(22, 16 * Double(lanes))
  }
}
