#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The lengths of the last answers in the request's group, learned on the way: the floor that a
/// trained predictor has to beat.
package struct GroupQuantiles: LengthPredictor {
  /// What makes two requests a group.
  package enum Grouping: String, CaseIterable, Sendable {
    case everything, client, serviceClass
    /// Prompt lengths of the same power of two.
    case inputLength
  }

  package var grouping: Grouping
  /// Answers that a group remembers.
  package var window: Int
  /// Answers without which a group says nothing.
  package var least: Int
  private var groups: [Int: Group] = [:]

  private struct Group: Sendable {
    var lengths: [Float] = []
    var oldest = 0
    var sinceSummary = 0
    var summary: LengthPrediction?
  }

  package init(_ grouping: Grouping = .everything, window: Int = 512, least: Int = 8) {
    self.grouping = grouping
    self.window = max(1, window)
    self.least = max(1, least)
  }

  package var name: String { "group-quantiles" }

  package func prediction(for request: Request) -> LengthPrediction? {
    groups[group(request)]?.summary
  }

  package mutating func finished(_ request: Request) {
    let key = group(request)
    var group = groups.removeValue(forKey: key) ?? Group()
    let length = Float(request.outputLength)
    if group.lengths.count < window {
      group.lengths.append(length)
    } else {
      group.lengths[group.oldest] = length
      group.oldest = (group.oldest + 1) % window
    }
    group.sinceSummary += 1
    // Sorting for every answer would cost more than it tells.
    if group.lengths.count >= least, group.summary == nil || group.sinceSummary >= 32 {
      group.summary = LengthPrediction(sorted: group.lengths.sorted())
      group.sinceSummary = 0
    }
    groups[key] = group
  }

  private func group(_ request: Request) -> Int {
    switch grouping {
    case .everything: 0
    case .client: request.client
    case .serviceClass: request.serviceClass
    case .inputLength: Int(log2(Double(max(1, request.inputLength))))
    }
  }
}
