import ArgumentParser

/// How much is said on stderr beside errors.
struct VerbosityFlags: ParsableArguments {
  @Flag(
    name: .shortAndLong, help: "Say more on stderr; of rejected drafts too, where drafts are shown."
  )
  var verbose = false
  @Flag(name: .shortAndLong, help: "Say nothing on stderr but errors.")
  var quiet = false

  func validate() throws {
    if verbose, quiet { throw ValidationError("--verbose and --quiet exclude each other") }
  }

  /// Says something on a line of its own, unless `--quiet`.
  func say(_ line: String) {
    if !quiet { StandardError.write(line + "\n") }
  }
}
