import ArgumentParser
import FoundationEssentials
import Transformer

/// Which models, and how they are run.
struct ModelOptions: ParsableArguments {
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Folder or GGUF file of the target model. (env: FORETOKEN_MODEL; default: the shipped target)",
      valueName: "dir"))
  var model: String?

  @Option(
    name: [.long, .customLong("md", withSingleDash: true)],
    help: ArgumentHelp(
      "Folder or GGUF file of the draft model. (env: FORETOKEN_DRAFT_MODEL; default: the shipped draft for "
        + "the shipped target, none for others)",
      valueName: "dir"))
  var draftModel: String?

  @Option(
    help: "Type of the weights in memory: f32, bf16, f16, q8 or q4. (default: as they are stored)")
  var dtype: WeightType?

  @Option(
    help: """
      Type of the draft's weights in memory; the law of the text does not depend on it. (default: as \
      --dtype, or q4, whose steps take half the time)
      """)
  var draftDtype: WeightType?

  /// Of the draft's weights.
  var draftType: WeightType { draftDtype ?? dtype ?? .q4 }

  @Option(
    help: ArgumentHelp(
      "How conversations are written, whatever the model's own template says: "
        + "\(ChatTemplate.names.joined(separator: ", ")).", valueName: "name"))
  var chatTemplate: String?

  @Option(
    help: ArgumentHelp(
      "Go on past the models' contexts: a token sees the beginning of the text and about so many "
        + "positions before it, at most what the context holds.", valueName: "tokens"))
  var attentionWindow: Int?

  @OptionGroup var threads: ThreadCount

  @Flag(help: "No progress bar while large weights load.")
  var noProgress = false

  /// - Throws: `missing` when no model was named and the shipped pair is not there.
  var targetPath: String {
    get throws {
      if let named = namedTarget { return named }
      guard let shipped = ShippedPair.folder else {
        throw ModelError(
          .missing, path: "Weights/target", problem: "the shipped pair was not found",
          advice: "name a model with --model")
      }
      return shipped + "/target"
    }
  }

  /// Nil when a target was named and no draft.
  var draftPath: String? {
    if let named = draftModel ?? environment("FORETOKEN_DRAFT_MODEL") { return named }
    return namedTarget == nil ? ShippedPair.folder.map { $0 + "/draft" } : nil
  }

  /// The heads in the draft's folder; nil where there is no draft or are no heads.
  var usualHeads: String? { draftPath.flatMap(Head.file(beside:)) }

  private var namedTarget: String? { model ?? environment("FORETOKEN_MODEL") }

  private func environment(_ name: String) -> String? {
    ProcessInfo.processInfo.environment[name].flatMap { $0.isEmpty ? nil : $0 }
  }
}

extension WeightType: ExpressibleByArgument {}

/// The folder `Weights` with the pair that comes with Foretoken.
enum ShippedPair {
  /// In the current folder, or in one that the program is in: a checkout
  /// (`.build/release/foretoken`) or wherever it was copied to together with `Weights`.
  static var folder: String? {
    let files = FileManager.default
    var place = URL(filePath: programPath)
    var candidates = ["Weights"]
    for _ in 0..<5 {
      place = place.deletingLastPathComponent()
      candidates.append(place.appending(path: "Weights").path)
    }
    return candidates.first { files.fileExists(atPath: $0 + "/target/config.json") }
  }

  /// The running program's file, links resolved where the system tells.
  private static var programPath: String {
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
      ?? CommandLine.arguments.first ?? ""
  }
}
