import FoundationEssentials
import Workload

/// A folder of ServeGen's files: two for each client.
enum ServeGenFolder {
  static func isFolder(_ path: String) -> Bool {
    var isFolder = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder
  }

  /// - Parameters:
  ///   - rate: requests a second on average, to which all clients are scaled.
  ///   - start: seconds into the recorded day; `end` likewise.
  static func mix(
    _ folder: String, rate: Double?, from start: Double, until end: Double?, count: Int,
    seed: UInt64
  ) throws -> ProductionMix {
    let suffix = "-trace.csv"
    let names = try FileManager.default.contentsOfDirectory(atPath: folder)
      .filter { $0.hasSuffix(suffix) }.map { String($0.dropLast(suffix.count)) }
      // chunk-2 before chunk-10.
      .sorted { ($0.count, $0) < ($1.count, $1) }
    var clients: [ProductionMix.Client] = []
    for name in names {
      let (trace, lengths) = ("\(folder)/\(name)\(suffix)", "\(folder)/\(name)-dataset.json")
      let client = try ProductionMix.Client.parsing(
        name, trace: String(decoding: try bytes(trace), as: UTF8.self), traceName: trace,
        lengths: try bytes(lengths), lengthsName: lengths)
      if let client { clients.append(client) }
    }
    guard !clients.isEmpty else {
      throw CommandError(
        Failure.badData,
        "\(folder.printable): holds no client of ServeGen's (chunk-N-trace.csv with rates)")
    }
    var scale = 1.0
    if let rate {
      let own = ProductionMix.rate(of: clients, from: start, until: end ?? .infinity)
      guard rate > 0, own > 0 else {
        throw CommandError(Failure.usage, "--rate must be above 0, and some client must send")
      }
      scale = rate / own
    }
    return try ProductionMix(
      clients, scale: scale, start: start, end: end ?? .infinity, count: count, seed: seed)
  }

  private static func bytes(_ path: String) throws(WorkloadError) -> [UInt8] {
    var (whole, source): ([UInt8], FileBytes) = ([], try FileBytes(path: path))
    while let piece = try source.nextChunk() { whole += piece }
    return whole
  }
}
