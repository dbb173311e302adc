import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A file that gets its name when it is complete, so that nobody ever sees half of it, and a failure
/// leaves what was there before.
///
/// Until then it has no name at all: whatever ends the process, nothing is left. Where the system has
/// no such files, it is written beside the place where it belongs.
package final class OutputFile: Sendable {
  package let path: String
  /// The name beside `path` that it has, or goes through where `path` is taken.
  private let partialPath: String
  private let isNameless: Bool
  private let descriptor: CInt
  private let end = Atomic<Int>(0)
  private let isComplete = Atomic<Bool>(false)

  /// - Parameter readable: gives it a name beside `path` at once, for what a reader can use the
  ///   beginning of when the process ends early.
  /// - Throws: `.missing` when the folder is not there, `.inputOutput` when it cannot be written to.
  package init(path: String, readable: Bool = false) throws(ModelError) {
    let partialPath = "\(path).\(getpid())-\(UInt32.random(in: 0...UInt32.max)).partial"
    let nameless = readable ? nil : Self.openNameless(beside: path)
    let descriptor =
      nameless ?? open(partialPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      let reason = errno
      throw ModelError(
        reason == ENOENT || reason == ENOTDIR ? .missing : .inputOutput, path: path,
        problem: "cannot be created: \(systemMessage(reason))")
    }
    self.path = path
    self.partialPath = partialPath
    self.descriptor = descriptor
    isNameless = nameless != nil
  }

  /// An open file without a name, of the file system that `path` is to be on; nil where there are none.
  private static func openNameless(beside path: String) -> CInt? {
    #if os(Linux)
      let slash = path.lastIndex(of: "/")
      let folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
      // O_TMPFILE, a macro that is not imported.
      let descriptor = open(folder, 0o20_000_000 | O_DIRECTORY | O_WRONLY | O_CLOEXEC, 0o666)
      guard descriptor >= 0 else { return nil }
      // Through which it gets its name.
      guard access("/proc/self/fd/\(descriptor)", F_OK) == 0 else {
        close(descriptor)
        return nil
      }
      return descriptor
    #else
      return nil
    #endif
  }

  deinit {
    close(descriptor)
    if !isNameless, !isComplete.load(ordering: .relaxed) { unlink(partialPath) }
  }

  /// Bytes appended so far.
  var size: Int { end.load(ordering: .relaxed) }

  /// Writes after what was appended before; one thread at a time.
  package func append(_ bytes: [UInt8]) throws(ModelError) {
    try bytes.withUnsafeBufferPointer { (buffer) throws(ModelError) in
      try write(UnsafeRawBufferPointer(buffer), at: size)
    }
    end.wrappingAdd(bytes.count, ordering: .relaxed)
  }

  /// Writes at `offset`; several threads may, at different places.
  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(ModelError) {
    guard let base = bytes.baseAddress else { return }
    var done = 0
    while done < bytes.count {
      let put = pwrite(descriptor, base + done, bytes.count - done, off_t(offset + done))
      if put > 0 {
        done += put
      } else if put == 0 || errno != EINTR {
        throw failure(put == 0 ? ENOSPC : errno)
      }
    }
  }

  /// Gives the file its name, in place of whatever has it.
  ///
  /// - Parameter other: another name than `path`, on the same file system.
  package func complete(as other: String? = nil) throws(ModelError) {
    let name = other ?? path
    guard fsync(descriptor) == 0 else { throw failure(errno) }
    if isNameless {
      if link(to: name) {
        isComplete.store(true, ordering: .relaxed)
        return
      }
      guard errno == EEXIST, link(to: partialPath) else { throw failure(errno) }
    }
    guard rename(partialPath, name) == 0 else {
      let reason = errno
      unlink(partialPath)
      throw failure(reason)
    }
    isComplete.store(true, ordering: .relaxed)
  }

  /// Gives a file without a name one that nothing has.
  private func link(to name: String) -> Bool {
    linkat(AT_FDCWD, "/proc/self/fd/\(descriptor)", AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0
  }

  private func failure(_ reason: CInt) -> ModelError {
    ModelError(.inputOutput, path: path, problem: "cannot be written: \(systemMessage(reason))")
  }
}
