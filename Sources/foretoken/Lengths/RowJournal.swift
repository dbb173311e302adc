import FoundationEssentials
import Transformer
import Workload

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Rows that are kept one by one in `PATH.partial`, so that a run may be killed at any moment and go
/// on: a row is one appended line, and a line that was cut off is taken away before the next.
///
/// The file gets its own name when it is complete. One program at a time may write it.
final class RowJournal {
  /// What an earlier run has left.
  let rows: [LengthRow]
  private var count: Int
  private let path: String
  private let partialPath: String
  private let descriptor: CInt

  /// - Throws: `CommandError` when `path` is complete already or somebody else is writing it,
  ///   `ModelError` when it cannot be written, `WorkloadError` for lines that are no rows.
  init(path: String) throws {
    self.path = path
    count = 0
    partialPath = path + ".partial"
    guard !FileManager.default.fileExists(atPath: path) else {
      throw CommandError(
        Failure.usage, "\(path.printable): is there already; remove it or name another --output")
    }
    descriptor = open(partialPath, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      throw ModelError(
        .inputOutput, path: partialPath, problem: "cannot be written: \(Self.reason())")
    }
    do {
      rows = try Self.recovered(descriptor, partialPath)
      count = rows.count
    } catch {
      close(descriptor)
      throw error
    }
  }

  deinit { close(descriptor) }

  private static func recovered(_ descriptor: CInt, _ path: String) throws -> [LengthRow] {
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      throw CommandError(
        Failure.inputOutput, "\(path.printable): another program is writing it")
    }
    try dropTornLine(descriptor, path)
    return try read(path)
  }

  private static func read(_ path: String) throws -> [LengthRow] {
    var reader = LengthRowReader(
      try FileBytes(path: path), name: path, options: LengthRowReadingOptions())
    return try reader.rest()
  }

  /// Cuts off what follows the last line feed.
  private static func dropTornLine(_ descriptor: CInt, _ path: String) throws(ModelError) {
    var size = lseek(descriptor, 0, SEEK_END)
    var byte: UInt8 = 0
    while size > 0, pread(descriptor, &byte, 1, size - 1) == 1, byte != UInt8(ascii: "\n") {
      size -= 1
    }
    guard ftruncate(descriptor, size) == 0 else {
      throw ModelError(.inputOutput, path: path, problem: "cannot be repaired: \(reason())")
    }
  }

  func append(_ row: LengthRow) throws(ModelError) {
    let line = Array((row.json + "\n").utf8)
    var done = 0
    while done < line.count {
      let put = line[done...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      if put > 0 {
        done += put
      } else if put == 0 || errno != EINTR {
        throw ModelError(
          .inputOutput, path: partialPath, problem: "cannot be written: \(Self.reason())")
      }
    }
    count += 1
  }

  /// Gives the file its name.
  ///
  /// - Parameter array: as one array, the form of CASTILLO's own files, not as lines.
  /// - Returns: how many rows it has.
  func complete(array: Bool) throws -> Int {
    if array {
      try TextFile.write(LengthRow.jsonArray(try Self.read(partialPath)), to: path)
      unlink(partialPath)
      return count
    }
    guard fsync(descriptor) == 0, rename(partialPath, path) == 0 else {
      throw ModelError(.inputOutput, path: path, problem: "cannot be named: \(Self.reason())")
    }
    return count
  }

  private static func reason() -> String { String(cString: strerror(errno)) }
}
