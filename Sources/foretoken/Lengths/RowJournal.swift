import FoundationEssentials
import Transformer
import Workload

/// Rows that are kept one by one in `PATH.partial`, so that a run may be killed at any moment and go
/// on. The file gets its own name when it is complete.
final class RowJournal {
  /// What an earlier run has left.
  let rows: [LengthRow]
  private var count: Int
  private let path: String
  private let journal: LineJournal

  /// - Throws: `CommandError` when `path` is complete already or somebody else is writing it,
  ///   `ModelError` when it cannot be written, `WorkloadError` for lines that are no rows.
  init(path: String) throws {
    self.path = path
    guard !FileManager.default.fileExists(atPath: path) else {
      throw CommandError(
        Failure.usage, "\(path.printable): is there already; remove it or name another --output")
    }
    journal = try LineJournal(path: path + ".partial")
    rows = try Self.read(journal.path)
    count = rows.count
  }

  private static func read(_ path: String) throws -> [LengthRow] {
    var reader = LengthRowReader(
      try FileBytes(path: path), name: path, options: LengthRowReadingOptions())
    return try reader.rest()
  }

  func append(_ row: LengthRow) throws(ModelError) {
    try journal.append(row.json.utf8)
    count += 1
  }

  /// Gives the file its name.
  ///
  /// - Parameter array: as one array, the form of CASTILLO's own files, not as lines.
  /// - Returns: how many rows it has.
  func complete(array: Bool) throws -> Int {
    if array {
      try TextFile.write(LengthRow.jsonArray(try Self.read(journal.path)), to: path)
      try FileManager.default.removeItem(atPath: journal.path)
      return count
    }
    try journal.rename(to: path)
    return count
  }
}
