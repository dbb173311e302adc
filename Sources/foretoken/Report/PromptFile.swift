import FoundationEssentials
import Workload

/// A prompt before it is tokens.
struct Prompt: Equatable {
  var set: String
  var id: String
  var text: String
}

/// Prompts of a JSONL file, whose rows may be those of Alpaca, GSM8K or HumanEval as they are.
enum PromptFile {
  /// What rows of these sets have, and rows of most others.
  private struct Row: Decodable {
    var source: String?
    var id: Name?
    var task_id: Name?
    var instruction: String?
    var input: String?
    var prompt: String?
    var question: String?
    var text: String?
    var entry_point: String?
  }

  /// Identifiers are texts in some files and numbers in others.
  private struct Name: Decodable {
    var text: String

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let number = try? container.decode(Int.self) {
        text = "\(number)"
      } else {
        text = try container.decode(String.self)
      }
    }
  }

  /// Reads the first `limit` prompts, all without one. A row's `source` names the set where all rows
  /// share it, else the file does.
  ///
  /// - Throws: `WorkloadError` for a file that cannot be read, `CommandError` naming the line that is
  ///   no prompt.
  static func read(path: String, limit: Int?) throws -> [Prompt] {
    var lines = LineSplitter(try FileBytes(path: path), name: path)
    var rows: [(row: Row, text: String, line: Int)] = []
    while rows.count < limit ?? .max, try lines.advance() {
      let line = lines.bytes[lines.range]
      if line.allSatisfy({ $0 == UInt8(ascii: " ") }) { continue }
      let place = "\(path):\(lines.number)"
      let row: Row
      do {
        row = try JSONDecoder().decode(Row.self, from: Data(line))
      } catch {
        throw CommandError(Failure.badData, "\(place): is no JSON object with texts: \(error)")
      }
      guard let text = text(of: row), text.contains(where: { !$0.isWhitespace }) else {
        throw CommandError(
          Failure.badData,
          "\(place): has no instruction, question, prompt or text with something in it")
      }
      rows.append((row, text, lines.number))
    }
    guard let first = rows.first else {
      throw CommandError(Failure.badData, "\(path): has no prompts")
    }
    let isShared = rows.allSatisfy { $0.row.source == first.row.source }
    let set = isShared ? first.row.source ?? stem(path) : stem(path)
    return rows.map { row, text, line in
      Prompt(set: set, id: row.id?.text ?? row.task_id?.text ?? "\(line)", text: text)
    }
  }

  /// The wording of SpecDec++'s evaluation for the sets that it has, the row's own for others.
  private static func text(of row: Row) -> String? {
    if row.entry_point != nil {
      return (row.prompt ?? row.instruction).map {
        "Create a Python script for this problem:\n" + $0
      }
    }
    if let question = row.question ?? (row.source == "gsm8k" ? row.instruction : nil) {
      return question + "\nLet's think step by step."
    }
    if let instruction = row.instruction {
      guard let input = row.input, !input.isEmpty else { return instruction }
      return instruction + "\nInput: " + input
    }
    return row.prompt ?? row.text
  }

  /// `alpaca` of `some/alpaca.jsonl.zst`.
  private static func stem(_ path: String) -> String {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    return name.split(separator: ".").first.map(String.init) ?? name
  }
}
