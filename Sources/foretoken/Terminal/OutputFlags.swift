import ArgumentParser

/// What is said, where and in which colours.
struct OutputFlags: ParsableArguments {
  @Flag(help: "Print the result as a JSON object instead of streaming text.")
  var json = false
  @Flag(help: "Print statistics to stderr at the end.")
  var stats = false
  @Option(help: "When to colour.")
  var color = ColorMode.auto
  @Flag(name: .shortAndLong, help: "Say more on stderr; with --show-drafts show rejected ones too.")
  var verbose = false
  @Flag(name: .shortAndLong, help: "Say nothing on stderr but errors.")
  var quiet = false

  func validate() throws {
    if verbose, quiet { throw ValidationError("--verbose and --quiet exclude each other") }
    if stats, quiet { throw ValidationError("--stats and --quiet exclude each other") }
  }

  /// Says something on a line of its own, unless `--quiet`.
  func say(_ line: String) {
    if !quiet { StandardError.write(line + "\n") }
  }

  func say(_ summary: Summary) {
    for line in summary.lines(verbose: verbose) { say(line) }
  }
}
