#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Where everything goes that is not the result: errors, progress, statistics.
enum StandardError {
  static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }

  /// Columns of the terminal; 80 where it does not tell.
  static var width: Int {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }

  /// Writes `text` as it is. That nobody reads it stops no work.
  static func write(_ text: String) {
    var text = text
    text.withUTF8 { bytes in
      var rest = UnsafeRawBufferPointer(bytes)
      while !rest.isEmpty {
        #if canImport(Glibc)
          let count = Glibc.write(STDERR_FILENO, rest.baseAddress, rest.count)
        #else
          let count = Darwin.write(STDERR_FILENO, rest.baseAddress, rest.count)
        #endif
        guard count > 0 || (count < 0 && errno == EINTR) else { return }
        rest = UnsafeRawBufferPointer(rebasing: rest[max(count, 0)...])
      }
    }
  }
}
