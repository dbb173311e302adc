import ArgumentParser
import FoundationEssentials

/// Trained heads: what predicts whether a candidate will be kept.
struct Head: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Collect samples for, train and score acceptance heads of a pair.",
    subcommands: [HeadCollect.self, HeadTrain.self, HeadEvaluate.self])

  /// The file beside a draft's weights that other commands look for.
  static let fileName = "heads.safetensors.zst"

  /// The file in a draft's folder; nil where there is none.
  static func file(beside draft: String) -> String? {
    let path = draft + "/" + fileName
    return FileManager.default.fileExists(atPath: path) ? path : nil
  }
}
