import ArgumentParser

@main
struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "foretoken-bench",
    abstract: "Measures the kernels, the engine, the files, the tokenizer and the simulator.",
    subcommands: [
      EngineBench.self,
      FamilyBench.self,
      IdentityBench.self,
      LearningBench.self,
      LoadBench.self,
      LogitsDump.self,
      MemoryBench.self,
      RandomModel.self,
      CorruptBench.self,
      ReplayBench.self,
      StepBench.self,
      TokenizeBench.self,
      TruthBench.self,
    ])
}
