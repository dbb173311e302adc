import FoundationEssentials
import Transformer

/// On what something was measured.
struct MachineFacts: Codable, Sendable, Equatable, CustomStringConvertible {
  /// As the system calls it.
  var processor: String
  /// Processors that the system has.
  var processors: Int
  /// Threads that were used.
  var threads: Int
  /// Which kernels computed: those for the instructions that the processor has.
  var kernels: String

  init(threads: Int) {
    self.threads = threads
    processors = ProcessInfo.processInfo.processorCount
    kernels = WorkerTeam.kernelName
    processor = Self.processorName ?? "unknown"
  }

  var description: String {
    "\(processor), \(threads) of \(processors) threads, \(kernels) kernels"
  }

  /// Linux tells in /proc/cpuinfo, Arm's processors not by name.
  private static var processorName: String? {
    guard let data = FileManager.default.contents(atPath: "/proc/cpuinfo") else { return nil }
    let line = String(decoding: data, as: UTF8.self).split(separator: "\n")
      .first { $0.hasPrefix("model name") }
    return line?.split(separator: ":").last.map { $0.drop { $0 == " " } }.map(String.init)
  }
}
