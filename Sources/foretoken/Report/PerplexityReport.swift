import Decoding
import Reporting
import Transformer

/// `report --perplexity`: what the target loses by the type that its weights are held in.
struct PerplexityReport {
  /// One type of the weights.
  private struct Measured {
    var type: WeightType
    var bytes: Int
    var likelihood: TextLikelihood
    var seconds: Double
  }

  private let directory: ModelDirectory
  private let verbosity: VerbosityFlags
  /// The tokens of each text.
  private let texts: [[TokenID]]
  private let window: Int
  private var measured: [Measured] = []

  /// Reads the texts; a file of JSON lines has one in each, any other is one.
  ///
  /// - Parameters:
  ///   - limit: takes the first texts of each file only.
  ///   - window: tokens that are read at a time; nil for the model's context, up to 1024.
  /// - Throws: `ModelError`, `WorkloadError` or `CommandError` for files that cannot be read or have
  ///   nothing to be predicted.
  init(
    _ files: [String], limit: Int?, window: Int?, model: ModelOptions, _ verbosity: VerbosityFlags
  ) throws {
    directory = try ModelDirectory(path: model.targetPath)
    self.verbosity = verbosity
    let most = directory.configuration.contextLength
    self.window = window ?? min(most, 1024)
    guard self.window <= most else {
      throw CommandError(Failure.usage, "--window \(self.window): the context holds \(most) tokens")
    }
    let tokenizer = directory.tokenizer
    texts = try files.flatMap { file in
      try Self.texts(file, limit: limit).map {
        tokenizer.encode($0, addSpecialTokens: true, parseSpecial: false)
      }
    }
    guard texts.contains(where: { $0.count > 1 }) else {
      throw CommandError(
        Failure.badData, "\(files.joined(separator: ", ")): has no two tokens in a row to predict")
    }
  }

  private static func texts(_ file: String, limit: Int?) throws -> [String] {
    let rows = [".jsonl", ".jsonl.zst"].contains { file.hasSuffix($0) }
    if rows { return try PromptFile.read(path: file, limit: limit).map(\.text) }
    let source = try FileBytes(path: file)
    var bytes: [UInt8] = []
    while let chunk = try source.nextChunk() { bytes += chunk }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw CommandError(Failure.badData, "\(file): is no UTF-8 text")
    }
    return [text]
  }

  /// Reads all texts with the weights held as each of these types.
  ///
  /// - Throws: `ModelError`.
  mutating func measure(_ types: [WeightType?], threads: Int) throws {
    let team = try WorkerTeam(threads: threads)
    for type in types {
      let model = try directory.loadModel(type: type, team: team)
      let held = model.weights.type
      guard !measured.contains(where: { $0.type == held }) else { continue }
      let total = texts.reduce(0) { $0 + max(0, $1.count - 1) }
      let bar =
        verbosity.quiet ? nil : ProgressBar(label: "reading as \(held)", unit: .items("tokens"))
      defer { bar?.finish() }
      var likelihood = TextLikelihood()
      let time = try ContinuousClock().measure {
        for text in texts {
          var done = likelihood.losses.count
          try likelihood.add(text, window: window, by: model) { added in
            done += added
            bar?.update(done: done, total: total)
          }
        }
      }
      measured.append(
        Measured(
          type: held, bytes: model.weights.byteCount, likelihood: likelihood,
          seconds: time / .seconds(1)))
    }
  }

  /// A row for each type, the first being what the others are set against.
  var table: Table {
    let columns = [
      Table.Column("weights", key: "dtype"),
      Table.Column("MiB", key: "weight_mib", .number(.fixed(1))),
      Table.Column("tokens", key: "tokens", .number(.fixed(0))),
      Table.Column("perplexity [95 %]", key: "perplexity", .estimate(.fixed(3))),
      Table.Column(
        "over \(measured.first?.type.rawValue ?? "the first")", key: "ratio", .estimate(.times(4))),
      Table.Column("tokens/s", key: "tokens_per_second", .number(.fixed(0))),
    ]
    func estimate(_ value: Double, _ factor: Double) -> Table.Value {
      .estimate(Estimate(value: value, low: value / factor, high: value * factor))
    }
    let rows = measured.enumerated().map { index, one -> [Table.Value] in
      let tokens = one.likelihood.losses.count
      let ratio = one.likelihood.ratio(to: measured[0].likelihood)
      return [
        .text(one.type.rawValue), .number(Double(one.bytes) / 1_048_576), .count(tokens),
        estimate(one.likelihood.perplexity, one.likelihood.uncertainty),
        index == 0 ? .missing : estimate(ratio.value, ratio.uncertainty),
        .number(Double(tokens) / one.seconds),
      ]
    }
    return Table(columns: columns, rows: rows)
  }

  var title: String {
    "\(directory.path), \(texts.count) \(texts.count == 1 ? "text" : "texts"), "
      + "windows of \(window) tokens"
  }
}
