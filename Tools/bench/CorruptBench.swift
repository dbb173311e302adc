import ArgumentParser
import FoundationEssentials
import Glibc
import Support
import Transformer

/// Damages a file of a model thousands of times and reads what is left.
struct CorruptBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "corrupt",
    abstract: "Damage a file of a model at random and check that it is refused or reads as it was.",
    discussion: """
      What is read: the tensors of a weight file; a tokenizer.json, which then encodes hostile texts; \
      for any other file the whole model that it belongs to, which then runs. Fails when a damaged \
      packed file reads differently, when a damaged weight file takes more than twice the memory of \
      the sound one and more than its bytes, when the process grows by more than --growth, or when something is thrown that \
      is no error of a model. A damaged file that ends the process stays in the temporary folder. \
      The file should be small: it is written once for every trial.
      """)

  @Argument(help: "A weight file, a GGUF file, or a JSON file of a model's folder.")
  var file: String
  @Option(name: .customLong("as"), help: "What the file is read as. (default: by its name)")
  var kind: DamagedFile.Kind?
  @Option(help: "Trials.")
  var count = 20_000
  @Option(help: "Of the first trial; the next has the next.")
  var seed: UInt64 = 0
  @Option(help: "Megabytes by which the process may grow beyond what the sound file needs.")
  var growth = 256

  func run() throws {
    let damaged = try DamagedFile(file, as: kind)
    let isPacked = try damaged.kind == .weights && WeightFile(path: file).isPacked
    let honest = try damaged.read()
    guard case .same(let expected) = honest.outcome else {
      throw ValidationError("\(file) is not sound: \(honest.outcome)")
    }
    let resident = residentPeak()

    var (refused, same, different): ([String: Int], Int, Int) = ([:], 0, 0)
    var (slowest, slowestSeed, largest) = (0.0, seed, 0)
    for trial in 0..<count {
      let seed = seed &+ UInt64(trial)
      let kind = try damaged.damage(seed: seed)
      let reading = try damaged.read()
      switch reading.outcome {
      case .refused(let code): refused["\(code)", default: 0] += 1
      case .same(expected): same += 1
      case .same:
        different += 1
        if isPacked { print("seed \(seed): \(kind) was not noticed") }
      }
      if reading.seconds > slowest { (slowest, slowestSeed) = (reading.seconds, seed) }
      largest = max(largest, reading.peak)
    }

    let grown = (residentPeak() - resident) >> 20
    print("\(file): \(damaged.sound.count) bytes, \(count) trials, seeds from \(seed)")
    for (code, number) in refused.sorted(by: { $0.key < $1.key }) {
      print("  refused as \(code): \(number)")
    }
    print("  read as it was: \(same)")
    print("  read differently: \(different)" + (isPacked ? "" : " (it has no checksums)"))
    print(
      "  slowest \((slowest * 1e3).rounded(2)) ms (seed \(slowestSeed)),",
      "sound \((honest.seconds * 1e3).rounded(2)) ms")
    print("  most memory for weights \(largest) bytes, sound \(honest.peak) bytes")
    print("  the process grew by \(grown) MB")
    guard !isPacked || different == 0, grown <= growth,
      damaged.kind != .weights || largest <= max(2 * honest.peak, damaged.sound.count)
    else { throw ExitCode.failure }
  }

  /// The most bytes that the process has had in memory.
  private func residentPeak() -> Int {
    var usage = rusage()
    getrusage(0, &usage)  // RUSAGE_SELF, which is no plain number everywhere.
    return usage.ru_maxrss << 10
  }
}
