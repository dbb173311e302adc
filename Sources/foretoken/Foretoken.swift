import ArgumentParser

@main
struct Foretoken: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "foretoken",
    abstract:
      "Faster generation that is not different, and schedules that know how long it will be.",
    subcommands: [Lengths.self, Weights.self])
}
