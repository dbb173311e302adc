/// The predictors that go by a trace's lengths alone, by name. A new one is a file of its own and an
/// entry here.
package enum PredictorTable {
  struct Entry: Sendable {
    var name: String
    /// Kendall's tau where none is named; nil for a predictor that has none.
    var usualTau: Double?
    /// Whether it must be named.
    var namesTau = false
    /// What curves of a predictor's quality are drawn over; nil for those that belong on none.
    var quality: @Sendable (_ tau: Double) -> Double? = { _ in nil }
    /// Whether it knows what nobody can.
    var isOracle = false
    /// Whether it is made from all lengths of the trace.
    var readsTrace = false
    var make:
      @Sendable (_ tau: Double, _ lengths: [Int], _ seed: UInt64) throws(WorkloadError)
        -> any LengthPredictor
  }

  static let entries: [Entry] = [
    Entry(name: "none") { _, _, _ in NoPredictor() },
    Entry(name: "group") { _, _, _ in GroupQuantiles() },
    Entry(name: "noise", usualTau: 0.6, namesTau: true, quality: { $0 }, readsTrace: true) {
      tau, lengths, seed throws(WorkloadError) in
      try NoisyPredictor(tau: tau, lengths: lengths, seed: seed)
    },
    Entry(name: "best-of-ten", usualTau: BestOfTen.castilloTau, isOracle: true, readsTrace: true) {
      tau, lengths, seed throws(WorkloadError) in
      try BestOfTen(tau: tau, lengths: lengths, seed: seed)
    },
    Entry(name: "oracle", quality: { _ in 1 }, isOracle: true) { _, _, _ in OraclePredictor() },
  ]

  /// What can be named.
  package static var names: [String] {
    entries.map { $0.namesTau ? $0.name + ":TAU" : $0.name }
  }
}

/// A predictor by its name, as in `oracle`, `noise:0.56`.
package struct NamedPredictor: Equatable, Sendable {
  package let name: String
  private let entry: PredictorTable.Entry
  private let tau: Double

  /// - Throws: `.invalidSetting` listing the names that are known.
  package init(_ name: String) throws(WorkloadError) {
    let parts = name.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let entry = PredictorTable.entries.first { $0.name == parts[0] }
    let tau = parts.count > 1 ? Double(parts[1]) : entry?.namesTau == true ? nil : 0
    guard let entry, let tau, (0...1).contains(tau), parts.count == 1 || entry.usualTau != nil
    else {
      throw WorkloadError(
        .invalidSetting, source: "predictor", problem: "'\(name)' is not known",
        advice: "known are \(PredictorTable.names.joined(separator: ", ")), TAU in 0 to 1")
    }
    self.name = name
    self.entry = entry
    self.tau = parts.count > 1 ? tau : entry.usualTau ?? 0
  }

  /// Kendall's tau where that is what it is made for, the oracle's 1.
  package var quality: Double? { entry.quality(tau) }

  /// Whether it knows what nobody can: the ends of the scale.
  package var isOracle: Bool { entry.isOracle }

  /// Whether `predictor` needs the trace's lengths.
  package var readsTrace: Bool { entry.readsTrace }

  /// - Parameter lengths: of the trace's answers, where `readsTrace`.
  package func predictor(
    lengths: [Int], seed: UInt64
  ) throws(WorkloadError) -> any LengthPredictor {
    try entry.make(tau, lengths, seed)
  }

  package static func == (left: NamedPredictor, right: NamedPredictor) -> Bool {
    left.name == right.name
  }
}
