import FoundationEssentials
import Workload

/// `rounds.jsonl.zst`: a line with the header, then a line for each run with all of its rounds.
/// Everything that a report says is computed from it.
enum ReportLog {
  private struct FirstLine: Codable {
    var header: ReportHeader
  }

  /// Sorted keys, so that equal values are equal files.
  static func encode(_ value: some Encodable, pretty: Bool = false) throws -> Data {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting =
      pretty ? [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes] : [.sortedKeys]
    return try encoder.encode(value)
  }

  static func firstLine(_ header: ReportHeader) throws -> Data {
    try encode(FirstLine(header: header))
  }

  /// Reads a log; `path` may name the folder that it is in.
  ///
  /// - Parameter body: gets each run in the order of the log.
  /// - Throws: `WorkloadError` for a file that cannot be read; `CommandError` naming the line that is
  ///   no run.
  static func read(
    path: String, begin: (ReportHeader) throws -> Void, each body: (ReportRun) throws -> Void
  ) throws {
    var isFolder = false
    let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    let file = exists && isFolder ? path + "/" + ReportFiles.logName : path
    var lines = LineSplitter(try FileBytes(path: file), name: file)
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    func decode<Value: Decodable>(
      _ type: Value.Type, _ lines: LineSplitter<FileBytes>
    ) throws(CommandError) -> Value {
      do {
        return try decoder.decode(type, from: Data(lines.bytes[lines.range]))
      } catch {
        throw CommandError(
          Failure.badData, "\(file):\(lines.number): is no line of a report's log: \(error)")
      }
    }
    guard try lines.advance() else { throw CommandError(Failure.badData, "\(file): is empty") }
    let header = try decode(FirstLine.self, lines).header
    guard header.schemaVersion == ReportHeader.currentVersion else {
      throw CommandError(
        Failure.badData,
        "\(file): has schema_version \(header.schemaVersion), expected "
          + "\(ReportHeader.currentVersion)")
    }
    try begin(header)
    while try lines.advance() {
      let run = try decode(ReportRun.self, lines)
      guard header.prompts.indices.contains(run.prompt), header.policies.contains(run.policy)
      else {
        throw CommandError(
          Failure.badData,
          "\(file):\(lines.number): names a prompt or a policy that the first line does not")
      }
      try body(run)
    }
  }
}
