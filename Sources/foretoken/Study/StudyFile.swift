import FoundationEssentials
import Transformer
import Workload

/// A study as it is written down: every policy with every predictor, on every trace, at every load,
/// with every size of the cache, with and without speculation, for every seed.
struct StudyFile: Codable, Equatable {
  struct Trace: Codable, Equatable {
    var name: String
    /// Beside the study file, unless it is absolute.
    var path: String
    /// Tells the format from the first line without.
    var format: String?
    var from, until: Double?
    var limit, maxInput, maxOutput, maxTotal: Int?
    /// Loads of this trace alone.
    var loads: [Double]?
    /// Sizes of the cache for this trace alone.
    var kvBlocks: [Int]?
    var stepTimes: String?
  }

  /// The engine, in vLLM's names; what is missing is `SchedulerFlags`' default.
  struct Engine: Codable, Equatable {
    var batching, preemption, admission: String?
    var maxNumBatchedTokens, maxNumSeqs, blockSize, maxTokens: Int?
    var asyncScheduling, prefixCaching: Bool?
  }

  struct Speculation: Codable, Equatable {
    /// A number of drafts, or "best".
    var drafts: String
    var acceptance: Double?
    var acceptanceDeviation: Double?
    /// Milliseconds of a draft step.
    var draftStep: Double?
  }

  var title: String?
  var traces: [Trace]
  var policies: [String]
  /// Of `PredictorTable.names`.
  var predictors: [String]
  /// Multiples of the trace's own rate.
  var loads: [Double]?
  var kvBlocks: [Int]?
  /// Null is decoding without drafts.
  var speculation: [Speculation?]?
  var seeds: [UInt64]?
  /// The policy to compare with; the first without.
  var baseline: String?
  var stepTimes: String?
  var engine: Engine?
  /// What an answer must keep, seconds and milliseconds.
  var sloTtft, sloTpot: Double?
  /// Of the block bootstrap.
  var resamples: Int?

  static let keys: [String: [String]] = [
    "": [
      "title", "traces", "policies", "predictors", "loads", "kv_blocks", "speculation", "seeds",
      "baseline", "step_times", "engine", "slo_ttft", "slo_tpot", "resamples",
    ],
    "traces": [
      "name", "path", "format", "from", "until", "limit", "max_input", "max_output", "max_total",
      "loads", "kv_blocks", "step_times",
    ],
    "engine": [
      "batching", "preemption", "admission", "max_num_batched_tokens", "max_num_seqs",
      "block_size", "max_tokens", "async_scheduling", "prefix_caching",
    ],
    "speculation": ["drafts", "acceptance", "acceptance_deviation", "draft_step"],
  ]

  /// - Throws: `CommandError` naming the key that is wrong.
  static func read(_ path: String) throws -> StudyFile {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw CommandError(Failure.missingInput, "\(path.printable): cannot be read")
    }
    let decoder = JSONDecoder()
    do {
      try check(decoder.decode(JSONValue.self, from: data), "", path)
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      let study = try decoder.decode(StudyFile.self, from: data)
      try study.validate(path)
      return study
    } catch let error as DecodingError {
      let place = error.place.map { "\($0): " } ?? ""
      throw CommandError(Failure.badData, "\(path.printable): \(place)\(error.problem)")
    }
  }

  /// A key that is not known is most likely misspelt, and would change nothing in silence.
  private static func check(_ value: JSONValue, _ place: String, _ path: String) throws {
    switch value {
    case .list(let items): for item in items { try check(item, place, path) }
    case .object(let members):
      let known = keys[place] ?? []
      for (key, value) in members.sorted(by: { $0.key < $1.key }) {
        guard known.contains(key) else {
          throw CommandError(
            Failure.badData,
            "\(path.printable): \(place.isEmpty ? "" : place + ": ")'\(key)' is not a key of a "
              + "study; known are \(known.joined(separator: ", "))")
        }
        if keys[key] != nil { try check(value, key, path) }
      }
    default: break
    }
  }

  private func validate(_ path: String) throws {
    func require(_ condition: Bool, _ problem: String) throws {
      if !condition { throw CommandError(Failure.badData, "\(path.printable): \(problem)") }
    }
    try require(!traces.isEmpty, "traces: names none")
    try require(Set(traces.map(\.name)).count == traces.count, "traces: two have one name")
    try require(!policies.isEmpty && !predictors.isEmpty, "policies and predictors must name some")
    for list in [loads] + traces.map(\.loads) {
      try require(
        list?.allSatisfy { $0 > 0 && $0 < 1e4 } ?? true, "loads: must lie above 0, below 10000")
      try require(list.map { !$0.isEmpty && Set($0).count == $0.count } ?? true, "loads: repeats")
    }
    for list in [kvBlocks] + traces.map(\.kvBlocks) {
      try require(
        list.map { !$0.isEmpty && Set($0).count == $0.count } ?? true, "kv_blocks: repeats")
    }
    try require(
      seeds.map { !$0.isEmpty && Set($0).count == $0.count } ?? true, "seeds: empty or repeated")
    try require(speculation.map { !$0.isEmpty } ?? true, "speculation: is empty")
    try require((2...10_000).contains(resamples ?? 200), "resamples: takes 2 to 10000")
    try require(
      baseline.map(policies.contains) ?? true, "baseline: is not among the policies")
    for name in policies { _ = try policy(name) }
    for name in predictors { _ = try NamedPredictor(name) }
    for trace in traces { _ = try times(trace) }
    for entry in speculation ?? [] { _ = try entry.map { try model($0, seed: 0) } }
    _ = try configuration(blocks: 1 << 20, lookahead: 0)
  }
}
