#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Where generated text and results go, written as they are decided.
///
/// A reader that has gone (`| head`) is not an error: `write` says so and the command ends quietly.
enum StandardOutput {
  /// The reader closed the pipe.
  struct Closed: Error {}

  /// Must run once before anything is written: a closed pipe then gives EPIPE instead of a signal.
  static func ignoreBrokenPipes() { signal(SIGPIPE, SIG_IGN) }

  static func write(_ text: String) throws {
    try write(text, to: STDOUT_FILENO)
  }

  /// For statistics and legends; nobody's absence there stops the work.
  static func writeError(_ text: String) {
    try? write(text, to: STDERR_FILENO)
  }

  private static func write(_ text: String, to file: Int32) throws {
    var text = text
    try text.withUTF8 { bytes in
      var sent = 0
      while sent < bytes.count, let base = bytes.baseAddress {
        #if canImport(Glibc)
          let count = Glibc.write(file, base + sent, bytes.count - sent)
        #else
          let count = Darwin.write(file, base + sent, bytes.count - sent)
        #endif
        if count > 0 {
          sent += count
        } else if errno != EINTR && errno != EAGAIN {
          throw errno == EPIPE ? Closed() : OutputError(code: errno)
        }
      }
    }
  }
}

/// Output could not be written (a full disk behind a redirection, say).
struct OutputError: Error, CustomStringConvertible {
  let code: Int32
  var description: String { "standard output: cannot be written: \(String(cString: strerror(code)))" }
}
