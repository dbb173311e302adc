import Decoding
import FoundationEssentials
import Learning
import Reporting
import Transformer
import Workload

/// Reads the hidden states that `lengths collect --states` wrote.
enum StateLengthFiles {
  /// The rows of which there are states.
  ///
  /// - Throws: `ModelError` for a file that is no row's; `CommandError` where there is none at all.
  static func read(_ rows: [LengthRow], folder: String) throws -> [StateLengthExample] {
    var examples: [StateLengthExample] = []
    var width: Int?
    for row in rows {
      let path = "\(folder)/\(row.sampleID).safetensors.zst"
      guard FileManager.default.fileExists(atPath: path) else { continue }
      let file = try AnswerStateFile(
        contentsOf: path, answers: row.outputSizes.count, width: width)
      let opening = file.answers.first?.first?.hidden ?? []
      width = opening.count
      let later = zip(file.answers, row.outputSizes).map { states, size in
        states.filter { $0.generated > 0 && $0.generated < size }
          .map { StateLengthExample.State(generated: $0.generated, hidden: $0.hidden) }
      }
      examples.append(StateLengthExample(row: row, opening: opening, later: later))
    }
    guard !examples.isEmpty else {
      throw CommandError(
        Failure.missingInput, "\(folder.printable): has the hidden states of none of the rows")
    }
    return examples
  }
}

/// A predictor from hidden states in a weight file.
enum StateLengthFile {
  private static let key = "state_length_predictor"

  static func write(_ model: StateLengthModel, to path: String, provenance: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let description = String(decoding: try encoder.encode(model.description), as: UTF8.self)
    try TensorArchive(
      tensors: model.tensors, metadata: [key: description, "provenance": provenance]
    ).write(to: path)
  }

  static func read(_ path: String) throws -> StateLengthModel {
    let archive = try TensorArchive(contentsOf: path)
    guard let text = archive.metadata[key] else {
      throw ModelError(
        .malformed, path: path, problem: "holds no predictor from hidden states",
        advice: "make one with \"foretoken lengths train --states\"")
    }
    do {
      let description = try JSONDecoder().decode(
        StateLengthModel.Description.self, from: Data(text.utf8))
      return try StateLengthModel(description, tensors: archive.tensors)
    } catch {
      throw ModelError(.malformed, path: path, place: "metadata \(key)", problem: "\(error)")
    }
  }
}

/// Hidden states against the prompt alone, by how far the answers are.
struct StateLengthTables {
  let examples: [StateLengthExample]
  let heldOut: HeldOutStates
  /// Held-out predictions from the prompt alone, and of the group, by `sample_id`.
  let promptOnly: [String: LengthDistribution]
  let group: [String: LengthDistribution]
  let bootstrap: Bootstrap

  /// By how many tokens the answers have: the mean absolute error of what is left.
  var curve: Table {
    /// Sums of absolute errors and the number of answers, of one prompt.
    typealias Sums = [Double]
    var byGenerated: [Int: [Int: Sums]] = [:]
    func add(
      _ prompt: Int, _ generated: Int, _ rest: Int, _ now: LengthDistribution
    ) {
      let row = examples[prompt].row
      let medians = [
        now.median, heldOut.openings[prompt].remaining(0.5, after: generated),
        promptOnly[row.sampleID]?.remaining(0.5, after: generated) ?? .nan,
        group[row.sampleID]?.remaining(0.5, after: generated) ?? .nan,
      ]
      var sums = byGenerated[generated]?[prompt] ?? [0, 0, 0, 0, 0]
      for (index, median) in medians.enumerated() { sums[index] += abs(median - Double(rest)) }
      sums[4] += 1
      byGenerated[generated, default: [:]][prompt] = sums
    }
    for (prompt, example) in examples.enumerated() {
      for size in example.row.outputSizes { add(prompt, 0, size, heldOut.openings[prompt]) }
    }
    for one in heldOut.later { add(one.prompt, one.generated, one.rest, one.predicted) }
    let rows = byGenerated.sorted { $0.key < $1.key }.filter { $0.value.count >= 10 }
      .map { generated, prompts -> [Table.Value] in
        let sums = prompts.sorted { $0.key < $1.key }.map(\.value)
        func mean(_ index: Int) -> Table.Value {
          .number(sums.reduce(0) { $0 + $1[index] } / sums.reduce(0) { $0 + $1[4] })
        }
        func less(_ index: Int) -> Table.Value {
          .estimate(bootstrap.estimate(sums) { ($0[0] - $0[index]) / $0[4] })
        }
        return [
          .count(generated), .number(sums.reduce(0) { $0 + $1[4] }), .count(sums.count), mean(3),
          mean(2), mean(1), mean(0), less(2), less(1),
        ]
      }
    func number(_ title: String, _ key: String, _ digits: Int = 1) -> Table.Column {
      Table.Column(title, key: key, .number(.fixed(digits)))
    }
    return Table(
      columns: [
        number("tokens", "generated", 0), number("answers", "answers", 0),
        number("prompts", "prompts", 0), number("group", "group_mae"),
        number("prompt", "prompt_mae"), number("first state", "opening_mae"),
        number("state now", "state_mae"),
        Table.Column("now - prompt", key: "state_minus_prompt", .estimate(.fixed(1))),
        Table.Column("now - first", key: "state_minus_opening", .estimate(.fixed(1))),
      ], rows: rows)
  }

  var openingForecasts: [LengthForecast] {
    zip(examples, heldOut.openings).map { LengthForecast(row: $0.row, predicted: $1) }
  }
}
