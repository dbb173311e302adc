import Transformer

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A file to which whole lines are appended, so that a run may be killed at any moment and go on: a
/// line that was cut off is taken away before the next. One program at a time may write it.
final class LineJournal: Sendable {
  let path: String
  private let descriptor: CInt

  /// - Throws: `CommandError` when somebody else is writing it, `ModelError` when it cannot be
  ///   written.
  init(path: String) throws {
    self.path = path
    descriptor = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      throw ModelError(.inputOutput, path: path, problem: "cannot be written: \(Self.reason())")
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      close(descriptor)
      throw CommandError(
        Failure.inputOutput, "\(path.printable): another program is writing it")
    }
    do { try dropTornLine() } catch {
      close(descriptor)
      throw error
    }
  }

  deinit { close(descriptor) }

  /// Cuts off what follows the last line feed.
  private func dropTornLine() throws(ModelError) {
    var size = lseek(descriptor, 0, SEEK_END)
    var byte: UInt8 = 0
    while size > 0, pread(descriptor, &byte, 1, size - 1) == 1, byte != UInt8(ascii: "\n") {
      size -= 1
    }
    guard ftruncate(descriptor, size) == 0 else {
      throw ModelError(
        .inputOutput, path: path, problem: "cannot be repaired: \(Self.reason())")
    }
  }

  /// One thread at a time.
  ///
  /// - Parameter line: without a line feed.
  func append(_ line: some Sequence<UInt8>) throws(ModelError) {
    let bytes = Array(line) + [UInt8(ascii: "\n")]
    var done = 0
    while done < bytes.count {
      let put = bytes[done...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      if put > 0 {
        done += put
      } else if put == 0 || errno != EINTR {
        throw ModelError(
          .inputOutput, path: path, problem: "cannot be written: \(Self.reason())")
      }
    }
  }

  /// Waits until everything is on the disk, and gives the file another name.
  func rename(to name: String) throws(ModelError) {
    #if canImport(Glibc)
      let renamed = Glibc.rename(path, name)
    #else
      let renamed = Darwin.rename(path, name)
    #endif
    guard fsync(descriptor) == 0, renamed == 0 else {
      throw ModelError(.inputOutput, path: name, problem: "cannot be named: \(Self.reason())")
    }
  }

  private static func reason() -> String { String(cString: strerror(errno)) }
}
