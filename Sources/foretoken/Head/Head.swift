import ArgumentParser

/// Trained heads: what predicts whether a candidate will be kept.
struct Head: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Collect samples for, train and score acceptance heads of a pair.",
    subcommands: [HeadCollect.self, HeadTrain.self, HeadEvaluate.self])

  /// The file beside a draft's weights that other commands look for.
  static let fileName = "heads.safetensors.zst"
}
