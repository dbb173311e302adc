import Transformer

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Where generated text and results go, written as they are decided.
enum StandardOutput {
  /// The reader closed the pipe (`| head`): the work ends quietly.
  struct Closed: Error {}

  static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

  /// Makes a closed pipe give an error instead of a signal. Call it before anything is written.
  static func ignoreBrokenPipes() { signal(SIGPIPE, SIG_IGN) }

  /// - Throws: `Closed`; `CommandError` when the text cannot be written (a full disk, say).
  static func write(_ text: String) throws {
    var text = text
    try text.withUTF8 { bytes in
      var rest = UnsafeRawBufferPointer(bytes)
      while !rest.isEmpty {
        #if canImport(Glibc)
          let count = Glibc.write(STDOUT_FILENO, rest.baseAddress, rest.count)
        #else
          let count = Darwin.write(STDOUT_FILENO, rest.baseAddress, rest.count)
        #endif
        if count >= 0 {
          rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        } else {
          try recover(errno)
        }
      }
    }
  }

  /// Returns when writing is worth another try.
  private static func recover(_ reason: CInt) throws {
    switch reason {
    case EINTR: return
    case EAGAIN:
      var room = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
      poll(&room, 1, -1)
    case EPIPE: throw Closed()
    default:
      throw CommandError(
        Failure.inputOutput, "standard output: cannot be written: \(systemMessage(reason))")
    }
  }
}
