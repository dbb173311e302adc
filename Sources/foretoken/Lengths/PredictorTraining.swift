import ArgumentParser
import Workload

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What `lengths train` and `lengths evaluate` share: rows with text, and how to train on them.
struct PredictorTraining: ParsableArguments {
  @OptionGroup var files: LengthRowFiles
  @OptionGroup var background: BackgroundFiles

  @Option(help: "Folds of prompts for held-out predictions.")
  var folds = 5

  @Option(help: "Networks whose quantiles are averaged.")
  var networks = 3

  @Option(help: "Boosted trees, whose median is averaged with the networks'; 0 for none.")
  var trees = 300

  @Option(help: "Passes over the rows for each network.")
  var epochs = 6

  @Option(
    help: """
      Hash words into so many columns for each part of a prompt, as a power of two, where the \
      vocabulary of the prompts would need too much memory.
      """)
  var bucketBits: Int?

  @Option(help: "Seed of everything random; the same seed gives the same predictor.")
  var seed: UInt64 = 1

  @Option(help: "Threads; their number does not change the result.")
  var threads = 2

  func validate() throws {
    for (name, value, range) in [
      ("--folds", folds, 2...100), ("--networks", networks, 1...64),
      ("--trees", trees, 0...10_000), ("--epochs", epochs, 1...1000),
      ("--bucket-bits", bucketBits ?? 6, 6...18), ("--threads", threads, 1...256),
    ] where !range.contains(value) {
      throw ValidationError(
        "\(name) must be from \(range.lowerBound) to \(range.upperBound), not \(value)")
    }
  }

  var settings: PromptLengthSettings {
    var settings = PromptLengthSettings()
    settings.networks = networks
    settings.trees = trees
    settings.epochs = epochs
    settings.bucketBits = bucketBits
    settings.seed = seed
    settings.threads = threads
    return settings
  }

  /// Of predictors from hidden states.
  var stateSettings: StateLengthSettings {
    var settings = StateLengthSettings()
    settings.networks = networks
    settings.seed = seed
    settings.threads = threads
    return settings
  }

  /// The rows as they were collected, and those with text after sanitising.
  func read() throws -> (originals: [LengthRow], examples: [LengthExample], withoutText: Int) {
    let originals = try files.read()
    let texts = try files.readPrompts()
    let sanitised = SanitisedRows(originals).sanitised
    let examples = sanitised.compactMap { row in
      (row.promptText ?? texts[row.promptID]).map { LengthExample(row: row, prompt: $0) }
    }
    guard !examples.isEmpty else {
      throw WorkloadError(
        .malformed, source: files.rows.joined(separator: ", "),
        problem: "no row has its prompt's text",
        advice: files.prompts == nil
          ? "give the texts with --prompts" : "none of those in --prompts belongs to a row")
    }
    return (originals, examples, sanitised.count - examples.count)
  }

  /// Says on stderr what is being done, where a person is watching.
  static func report(_ text: String) {
    guard StandardError.isTerminal else { return }
    StandardError.write("\r\(String(text.prefix(StandardError.width - 1)))\u{1B}[K")
  }

  static func endReport() {
    if StandardError.isTerminal { StandardError.write("\r\u{1B}[K") }
  }
}
