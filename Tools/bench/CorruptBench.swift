import ArgumentParser
import FoundationEssentials
import Support
import Transformer

/// Damages a weight file thousands of times and reads what is left.
struct CorruptBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "corrupt",
    abstract: "Damage a weight file at random and check that it is refused or reads as it was.",
    discussion: """
      Fails when a damaged packed file reads differently, or when any damaged file takes more than \
      twice the memory that the sound one takes. The file should be small: it is written once for \
      every trial.
      """)

  @Argument(help: "A packed or plain weight file.")
  var file: String
  @Option(help: "Trials.")
  var count = 20_000
  @Option(help: "Of the first trial; the next has the next.")
  var seed: UInt64 = 0

  func run() throws {
    let sound = try Array(Data(contentsOf: URL(filePath: file)))
    let isPacked = try WeightFile(path: file).isPacked
    let folder = try TemporaryFolder()
    let path = try folder.write(sound, as: "damaged")
    let honest = Reading(path)
    guard case .tensors(let expected) = honest.outcome else {
      throw ValidationError("\(file) is not sound: foretoken weights verify says why")
    }

    var (refused, same, different): ([String: Int], Int, Int) = ([:], 0, 0)
    var (slowest, largest) = (0.0, 0)
    for trial in 0..<count {
      var generator = SeededGenerator(seed: seed &+ UInt64(trial))
      var bytes = sound
      let kind = Corruption.damage(&bytes, using: &generator)
      try folder.write(bytes, as: "damaged")
      let reading = Reading(path)
      switch reading.outcome {
      case .refused(let code): refused["\(code)", default: 0] += 1
      case .tensors(expected): same += 1
      case .tensors:
        different += 1
        if isPacked { print("seed \(seed &+ UInt64(trial)): \(kind) was not noticed") }
      }
      slowest = max(slowest, reading.seconds)
      largest = max(largest, reading.peak)
    }

    print("\(file): \(sound.count) bytes, \(count) trials, seeds from \(seed)")
    for (code, number) in refused.sorted(by: { $0.key < $1.key }) {
      print("  refused as \(code): \(number)")
    }
    print("  read as it was: \(same)")
    print("  read differently: \(different)" + (isPacked ? "" : " (a plain file has no checksums)"))
    print(
      "  slowest \((slowest * 1e3).rounded(2)) ms, sound \((honest.seconds * 1e3).rounded(2)) ms")
    print("  most memory \(largest) bytes, sound \(honest.peak) bytes")
    guard !isPacked || different == 0, largest <= 2 * honest.peak else { throw ExitCode.failure }
  }
}

/// What came of reading a file.
private struct Reading {
  enum Outcome: Equatable {
    case refused(ModelError.Code)
    /// A hash of names, types, shapes and elements.
    case tensors(Int)
  }

  let outcome: Outcome
  /// The most bytes held.
  let peak: Int
  let seconds: Double

  init(_ path: String) {
    let budget = MemoryBudget()
    let start = ContinuousClock.now
    outcome = Self.read(path, budget)
    seconds = (ContinuousClock.now - start).seconds
    peak = budget.peak
  }

  private static func read(_ path: String, _ budget: MemoryBudget) -> Outcome {
    do throws(ModelError) {
      let file = try WeightFile(path: path, budget: budget)
      var hasher = Hasher()
      for tensor in file.tensors {
        hasher.combine(tensor.name)
        hasher.combine(tensor.dtype)
        hasher.combine(tensor.shape)
        try file.read(tensor.name) { rows in
          withUnsafeTemporaryAllocation(byteCount: rows.byteCount, alignment: 8) { memory in
            if let base = memory.baseAddress { rows.copyElements(to: base) }
            hasher.combine(bytes: UnsafeRawBufferPointer(memory))
          }
        }
      }
      return .tensors(hasher.finalize())
    } catch {
      return .refused(error.code)
    }
  }
}
