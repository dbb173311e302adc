import ArgumentParser

@main
struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "foretoken-bench", abstract: "Measures the kernels, the engine and the files.",
    subcommands: [EngineBench.self, LearningBench.self, LoadBench.self])
}
