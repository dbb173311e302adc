import ArgumentParser

@main
struct Foretoken: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "foretoken",
    abstract: "Generates text with a draft and a target model: sooner, and the same text.",
    version: "0.1.0",
    subcommands: [
      Generate.self, Calibrate.self, Convert.self, Report.self, Head.self, Lengths.self,
      Replay.self, Study.self, Trace.self, Weights.self,
    ])
}
