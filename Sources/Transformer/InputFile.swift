#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A regular file that is read at given offsets, by several threads at once.
///
/// `pread` rather than a mapping: a mapped file that shrinks while it is used ends the process with
/// SIGBUS, a read that comes up short is an error that can be told. From the page cache it costs a
/// copy, which is small beside decoding.
package final class InputFile: Sendable {
  /// The file as the user named it.
  package let path: String
  /// Bytes at the time of opening.
  package let size: Int
  private let descriptor: CInt

  package init(path: String) throws(ModelError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      let reason = errno
      throw ModelError(
        reason == ENOENT || reason == ENOTDIR ? .missing : .inputOutput, path: path,
        problem: "cannot be opened: \(systemMessage(reason))")
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      let reason = errno
      close(descriptor)
      throw ModelError(
        .inputOutput, path: path, problem: "cannot be examined: \(systemMessage(reason))")
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw ModelError(
        .unsupported, path: path, problem: "is not a regular file",
        advice: "name the file itself; weights are read at many places at once")
    }
    self.path = path
    self.size = Int(status.st_size)
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  /// The little-endian integer at `offset`.
  func integer<Value: FixedWidthInteger>(
    at offset: Int, as type: Value.Type = Value.self
  ) throws(ModelError) -> Value {
    var value: Value = 0
    try withUnsafeMutableBytes(of: &value) { (bytes) throws(ModelError) in
      try read(at: offset, into: bytes)
    }
    return Value(littleEndian: value)
  }

  /// The bytes at `offset`.
  ///
  /// - Throws: as `read`.
  package func bytes(at offset: Int, count: Int) throws(ModelError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    try bytes.withUnsafeMutableBufferPointer { (buffer) throws(ModelError) in
      try read(at: offset, into: UnsafeMutableRawBufferPointer(buffer))
    }
    return bytes
  }

  /// Fills `buffer` with the bytes at `offset`.
  ///
  /// - Throws: `.inputOutput` if the system refuses or the file has become shorter.
  package func read(
    at offset: Int, into buffer: UnsafeMutableRawBufferPointer
  ) throws(ModelError) {
    guard let base = buffer.baseAddress else { return }
    var done = 0
    while done < buffer.count {
      let got = pread(descriptor, base + done, buffer.count - done, off_t(offset + done))
      if got > 0 {
        done += got
      } else if got == 0 {
        throw ModelError(
          .inputOutput, path: path, place: "byte \(offset + done)",
          problem: "the file ends here, it had \(size) bytes when it was opened",
          advice: "something is writing to it; try again when that is done")
      } else if errno != EINTR {
        throw ModelError(
          .inputOutput, path: path, place: "byte \(offset + done)",
          problem: "cannot be read: \(systemMessage(errno))")
      }
    }
  }
}

/// The system's words for an `errno`.
package func systemMessage(_ number: CInt) -> String {
  guard let text = strerror(number) else { return "error \(number)" }
  return String(cString: text)
}
