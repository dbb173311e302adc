import ArgumentParser

/// What is said, where and in which colours.
struct OutputFlags: ParsableArguments {
  @Flag(help: "Print the result as a JSON object instead of streaming text.")
  var json = false
  @Flag(help: "Print statistics to stderr at the end.")
  var stats = false
  @Option(help: "When to colour.")
  var color = ColorMode.auto
  /// With `--show-drafts`, `--verbose` shows rejected candidates too.
  @OptionGroup var verbosity: VerbosityFlags

  func validate() throws {
    if stats, verbosity.quiet { throw ValidationError("--stats and --quiet exclude each other") }
  }

  func say(_ line: String) { verbosity.say(line) }

  func say(_ summary: Summary) {
    for line in summary.lines(verbose: verbosity.verbose) { say(line) }
  }
}
