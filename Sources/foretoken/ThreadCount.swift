import ArgumentParser
import FoundationEssentials

/// On how many threads a command works.
struct ThreadCount: ParsableArguments {
  @Option(name: .shortAndLong, help: "Threads. (default: the processors of this machine)")
  var threads: Int?

  /// What a team of workers can have.
  private static let allowed = 1...256

  var count: Int {
    threads ?? min(ProcessInfo.processInfo.activeProcessorCount, Self.allowed.upperBound)
  }

  func validate() throws {
    if let threads, !Self.allowed.contains(threads) {
      throw ValidationError("--threads takes 1 to \(Self.allowed.upperBound), not \(threads)")
    }
  }
}
