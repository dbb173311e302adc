import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A file that gets its name when it is complete: it is written beside the place where it belongs
/// and renamed, so that nobody ever sees half of it, and a failure leaves what was there before.
final class OutputFile: Sendable {
  let path: String
  private let partialPath: String
  private let descriptor: CInt
  private let end = Atomic<Int>(0)
  private let isComplete = Atomic<Bool>(false)

  /// - Throws: `.missing` when the folder is not there, `.inputOutput` when it cannot be written to.
  init(path: String) throws(ModelError) {
    let partialPath = "\(path).\(getpid())-\(UInt32.random(in: 0...UInt32.max)).partial"
    let descriptor = open(partialPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      let reason = errno
      throw ModelError(
        reason == ENOENT || reason == ENOTDIR ? .missing : .inputOutput, path: path,
        problem: "cannot be created: \(systemMessage(reason))")
    }
    self.path = path
    self.partialPath = partialPath
    self.descriptor = descriptor
  }

  deinit {
    close(descriptor)
    if !isComplete.load(ordering: .relaxed) { unlink(partialPath) }
  }

  /// Bytes appended so far.
  var size: Int { end.load(ordering: .relaxed) }

  /// Writes after what was appended before; one thread at a time.
  func append(_ bytes: [UInt8]) throws(ModelError) {
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
  func complete() throws(ModelError) {
    guard fsync(descriptor) == 0, rename(partialPath, path) == 0 else { throw failure(errno) }
    isComplete.store(true, ordering: .relaxed)
  }

  private func failure(_ reason: CInt) -> ModelError {
    ModelError(.inputOutput, path: path, problem: "cannot be written: \(systemMessage(reason))")
  }
}
