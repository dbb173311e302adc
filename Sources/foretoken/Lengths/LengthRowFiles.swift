import ArgumentParser
import Workload

/// The rows that a command works on.
struct LengthRowFiles: ParsableArguments {
  @Argument(
    help: "CASTILLO rows: one JSON object a line or one array, plain, zstd or gzip; - is stdin.",
    completion: .file())
  var rows: [String]

  @Option(
    help: "The prompts' texts: lines with prompt_id and prompt_text, for rows without text.",
    completion: .file())
  var prompts: String?

  @Flag(help: "Pass over rows that are not as they should be, and count them.")
  var skipBad = false

  /// All rows of all files, in order.
  func read() throws -> [LengthRow] {
    var all: [LengthRow] = []
    for path in rows {
      var reader = LengthRowReader(
        try FileBytes(path: path), name: path,
        options: LengthRowReadingOptions(skipsBadRows: skipBad))
      all += try reader.rest()
      for problem in reader.skipped.prefix(3) {
        StandardError.write("foretoken: skipped: \(problem.description.printable)\n")
      }
      if !reader.skipped.isEmpty {
        StandardError.write("foretoken: \(path.printable): \(reader.skipped.count) rows skipped\n")
      }
    }
    guard !all.isEmpty else {
      throw WorkloadError(
        .malformed, source: rows.joined(separator: ", "), problem: "no rows",
        advice: "expected CASTILLO rows, one JSON object a line or one array")
    }
    return all
  }

  /// The texts that are known, by `prompt_id`.
  func readPrompts() throws -> [String: String] {
    guard let prompts else { return [:] }
    return try PromptTexts.read(FileBytes(path: prompts), name: prompts)
  }
}
