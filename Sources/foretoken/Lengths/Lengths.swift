import ArgumentParser

/// How long answers are, and how long they will be.
struct Lengths: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "How long a model's answers are: statistics, predictors, and what limits them.",
    subcommands: [
      LengthsCollect.self, LengthsStats.self, LengthsTrain.self, LengthsEvaluate.self,
      LengthsPredict.self,
    ])
}
