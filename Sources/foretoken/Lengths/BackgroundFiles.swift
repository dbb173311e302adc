import ArgumentParser
import Workload

/// Prompts that others answered, from which a predictor learns what kinds of prompts get long
/// answers: lines with `source`, `instruction`, `input` and `output`.
struct BackgroundFiles: ParsableArguments {
  @Option(
    name: .customLong("background"),
    help: "Instruction rows with answers by others, to learn what gets long answers. Repeatable.",
    completion: .file())
  var paths: [String] = []

  @Option(
    name: .customLong("background-writer"),
    help: ArgumentHelp(
      "The sources in these rows that count as one writer, as NAME=SOURCE,SOURCE. Repeatable.",
      valueName: "name=sources"))
  var writers: [String] = []

  @Option(name: .customLong("background-limit"), help: "The most rows of one writer.")
  var limit = 8000

  /// - Parameter examples: whose prompts are left out, so that no answer to a prompt that is held out
  ///   is learnt from, not even another writer's.
  func read(besides examples: [LengthExample]) throws -> [BackgroundAnswers] {
    let known = Set(examples.map { Self.instruction($0.prompt) })
    let writers = try self.writers.map { try Self.parse($0) }
    guard paths.isEmpty == writers.isEmpty else {
      throw WorkloadError(
        .invalidSetting, source: "--background",
        problem: "needs --background-writer, and the other way round",
        advice: "for example --background-writer people=dolly")
    }
    var all = writers.map { BackgroundAnswers(name: $0.name) }
    for path in paths {
      try InstructionRows.read(FileBytes(path: path), name: path) { row in
        guard !known.contains(Self.instruction(row.prompt)) else { return }
        for index in writers.indices where writers[index].sources.contains(row.source) {
          all[index].prompts.append(row.prompt)
          all[index].lengths.append(Double(row.answer.utf8.count) / 4 + 1)
        }
      }
    }
    for answers in all where answers.prompts.isEmpty {
      throw WorkloadError(
        .malformed, source: paths.joined(separator: ", "),
        problem: "no rows of the writer \(answers.name)")
    }
    return all.map { thinned($0) }
  }

  /// What is asked, without the text that it is asked about: the first line.
  private static func instruction(_ prompt: String) -> String {
    String(prompt.prefix { !$0.isNewline }).lowercased()
  }

  private static func parse(_ text: String) throws -> (name: String, sources: Set<String>) {
    let parts = text.split(separator: "=", maxSplits: 1)
    guard parts.count == 2 else {
      throw WorkloadError(
        .invalidSetting, source: "--background-writer",
        problem: "expected NAME=SOURCE,SOURCE, found \(text)")
    }
    return (String(parts[0]), Set(parts[1].split(separator: ",").map(String.init)))
  }

  /// So many rows, evenly spread.
  private func thinned(_ answers: BackgroundAnswers) -> BackgroundAnswers {
    guard limit > 0, answers.prompts.count > limit else { return answers }
    let kept = (0..<limit).map { $0 * answers.prompts.count / limit }
    return BackgroundAnswers(
      name: answers.name, prompts: kept.map { answers.prompts[$0] },
      lengths: kept.map { answers.lengths[$0] })
  }
}
