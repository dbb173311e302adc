import FoundationEssentials
import Support
import Testing

@testable import foretoken

/// `foretoken` as the test's build made it.
enum CommandLineTool {
  static func run(
    _ arguments: [String], input: String = "", environment: [String: String] = [:]
  ) throws -> Program.Outcome {
    try run(arguments, bytes: Array(input.utf8), environment: environment)
  }

  static func run(
    _ arguments: [String], bytes: [UInt8], environment: [String: String] = [:]
  ) throws -> Program.Outcome {
    try Program.run(
      Program.beside("foretoken"), arguments, input: bytes, environment: environment)
  }

  /// Starts it, for a test that talks to it meanwhile.
  static func start(_ arguments: [String]) throws -> Program {
    try Program(Program.beside("foretoken"), arguments)
  }
}

/// A target and a draft that often agrees with it, in a folder of their own.
final class TinyPair {
  let folder: TemporaryFolder
  let target: String
  let draft: String

  init(context: Int = 512) throws {
    folder = try TemporaryFolder()
    target = try TinyModel(context: context).write("target", in: folder)
    draft = try TinyModel(context: context, noise: 0.15).write("draft", in: folder)
  }

  /// Arguments that generate with this pair.
  func generate(_ arguments: String...) -> [String] { generate(arguments) }

  /// With three candidates a round where the arguments do not say: a pair as small as this is not
  /// worth drafting for a policy that goes by costs.
  func generate(_ arguments: [String]) -> [String] {
    let speculation = ["--draft-tokens", "--draft-policy", "--no-speculation"]
    let drafts = arguments.contains(where: speculation.contains) ? [] : ["--draft-tokens", "3"]
    return ["generate", "-m", target, "-md", draft, "-t", "1"] + drafts + arguments
  }

  /// The object that `--json` prints.
  func json(_ arguments: String...) throws -> JSONValue {
    let outcome = try CommandLineTool.run(generate(arguments + ["--json"]))
    try #require(outcome.status == 0, "\(outcome.errors)")
    return try JSONValue(parsing: outcome.text)
  }
}

extension JSONValue {
  init(parsing text: some StringProtocol) throws {
    self = try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
  }

  /// A member; null where there is none.
  subscript(key: String) -> JSONValue {
    if case .object(let members) = self { members[key] ?? .null } else { .null }
  }

  /// An element; null where there is none.
  subscript(index: Int) -> JSONValue {
    if case .list(let list) = self, list.indices.contains(index) { list[index] } else { .null }
  }

  var double: Double? {
    switch self {
    case .whole(let whole): Double(whole)
    case .number(let number): number
    default: nil
    }
  }
  var string: String? { if case .text(let text) = self { text } else { nil } }
  var int: Int? { if case .whole(let whole) = self { whole } else { nil } }
  var count: Int? { if case .list(let list) = self { list.count } else { nil } }
}

extension Program.Outcome {
  /// The objects on its lines.
  var events: [JSONValue] {
    get throws { try text.split(separator: "\n").map(JSONValue.init(parsing:)) }
  }
}
