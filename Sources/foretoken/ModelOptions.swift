import ArgumentParser
import Decoding
import FoundationEssentials
import Transformer

/// Which models, and how they are run.
struct ModelOptions: ParsableArguments {
  @Option(
    name: [.customLong("model"), .customShort("m")],
    help: ArgumentHelp(
      "Folder of the target model. (env: FORETOKEN_MODEL; default: the shipped pair's target)",
      valueName: "dir"))
  var model: String?

  @Option(
    name: [.customLong("draft-model"), .customLong("md", withSingleDash: true)],
    help: ArgumentHelp(
      "Folder of the draft model. (env: FORETOKEN_DRAFT_MODEL; default: the shipped draft, "
        + "when the target is the shipped one)",
      valueName: "dir"))
  var draftModel: String?

  @Option(help: "Weights in memory: f32, bf16, f16 or q8. (default: as they are stored)")
  var dtype: WeightType?

  @Option(name: .shortAndLong, help: "Worker threads. (default: the processors of this machine)")
  var threads: Int?

  @Flag(help: "No progress bar while a large model loads.")
  var noProgress = false

  func validate() throws {
    if let threads, !(1...256).contains(threads) {
      throw ValidationError("--threads takes 1 to 256, not \(threads)")
    }
  }

  var targetPath: String {
    get throws {
      if let model = model ?? environment("FORETOKEN_MODEL") { return model }
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
    if let draft = draftModel ?? environment("FORETOKEN_DRAFT_MODEL") { return draft }
    guard model == nil, environment("FORETOKEN_MODEL") == nil else { return nil }
    return ShippedPair.folder.map { $0 + "/draft" }
  }

  var threadCount: Int { threads ?? ProcessInfo.processInfo.activeProcessorCount }

  private func environment(_ name: String) -> String? {
    ProcessInfo.processInfo.environment[name].flatMap { $0.isEmpty ? nil : $0 }
  }
}

extension WeightType: ExpressibleByArgument {}

/// The folder `Weights` with the pair that comes with Foretoken.
enum ShippedPair {
  /// Beside the program (`.build/release/foretoken` in a checkout, or an installation), or in the
  /// current folder.
  static var folder: String? {
    let files = FileManager.default
    var candidates = ["Weights"]
    var place = URL(filePath: CommandLine.arguments.first ?? "")
    if let program = Bundle.programPath { place = URL(filePath: program) }
    for _ in 0..<5 {
      place = place.deletingLastPathComponent()
      candidates.append(place.path + "/Weights")
    }
    return candidates.first { files.fileExists(atPath: $0 + "/target/config.json") }
  }
}

private enum Bundle {
  /// The running program's file, links resolved; nil where the system does not tell.
  static var programPath: String? {
    try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
  }
}
