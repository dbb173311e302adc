import FoundationEssentials
import Reporting
import Transformer

/// The folder of `--output`. Each file is written beside its place and renamed.
struct ReportFiles {
  static let logName = "rounds.jsonl.zst"

  let folder: String

  /// Makes the folder where it is not there.
  ///
  /// - Throws: `CommandError` when that cannot be done.
  init(folder: String) throws(CommandError) {
    self.folder = folder
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw CommandError(Failure.inputOutput, "\(folder): cannot be made: \(error)")
    }
  }

  /// - Throws: `ModelError`.
  func log() throws(ModelError) -> LineWriter { try LineWriter(path: path(Self.logName)) }

  /// Everything but the log.
  ///
  /// - Throws: `ModelError` for a file that cannot be written.
  func write(_ header: ReportHeader, _ summary: ReportSummary) throws {
    let json = try Self.json(header, summary)
    try write("report.json", json)
    try write("report.csv", ReportTables(header: header, summary: summary).everything.csv)
    try write("report.html", ReportPage(header: header, summary: summary).page(data: json).html)
  }

  /// `report.json`.
  static func json(_ header: ReportHeader, _ summary: ReportSummary) throws -> String {
    struct Whole: Encodable {
      var schemaVersion: Int
      var header: ReportHeader
      var summary: ReportSummary
    }
    let whole = Whole(schemaVersion: header.schemaVersion, header: header, summary: summary)
    return String(decoding: try ReportLog.encode(whole, pretty: true), as: UTF8.self) + "\n"
  }

  func write(_ name: String, _ text: String) throws(ModelError) {
    try TextFile.write(text, to: path(name))
  }

  private func path(_ name: String) -> String { folder + "/" + name }
}
