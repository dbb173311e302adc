import FoundationEssentials
import Transformer

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
  /// - Throws: `ModelError` for a file that cannot be read; `CommandError` naming the line that is
  ///   no run.
  static func read(
    path: String, begin: (ReportHeader) throws -> Void, each body: (ReportRun) throws -> Void
  ) throws {
    var isFolder = false
    let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    let lines = try LineReader(
      path: exists && isFolder ? path + "/" + ReportFiles.logName : path)
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    func decode<Value: Decodable>(
      _ type: Value.Type, _ line: ArraySlice<UInt8>
    ) throws(CommandError) -> Value {
      do {
        return try decoder.decode(type, from: Data(line))
      } catch {
        let problem = (error as? DecodingError).map { "\($0)" } ?? "\(error)"
        throw CommandError(
          Failure.badData,
          "\(lines.path): line \(lines.lineNumber): is not of a report's log: \(problem)")
      }
    }
    guard let first = try lines.next() else {
      throw CommandError(Failure.badData, "\(lines.path): is empty")
    }
    let header = try decode(FirstLine.self, first).header
    guard header.schemaVersion == ReportHeader.currentVersion else {
      throw CommandError(
        Failure.badData,
        "\(lines.path): has schema_version \(header.schemaVersion), expected "
          + "\(ReportHeader.currentVersion)")
    }
    try begin(header)
    while let line = try lines.next() {
      let run = try decode(ReportRun.self, line)
      guard header.prompts.indices.contains(run.prompt), header.policies.contains(run.policy)
      else {
        throw CommandError(
          Failure.badData,
          "\(lines.path): line \(lines.lineNumber): names a prompt or policy that the header lacks")
      }
      try body(run)
    }
  }
}
