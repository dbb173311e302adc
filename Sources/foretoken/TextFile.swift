import Workload

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Files that a command writes whole.
enum TextFile {
  /// Writes beside the file and renames, so that nobody ever sees half of it.
  static func write(_ text: String, to path: String) throws(WorkloadError) {
    try write(Array(text.utf8), to: path)
  }

  static func write(_ bytes: [UInt8], to path: String) throws(WorkloadError) {
    func failure() -> WorkloadError {
      WorkloadError(
        .inputOutput, source: path,
        problem: "cannot be written: \(String(cString: strerror(errno)))")
    }
    let partial = path + ".part"
    guard let file = fopen(partial, "wb") else { throw failure() }
    let written = bytes.withUnsafeBytes { fwrite($0.baseAddress, 1, $0.count, file) }
    guard fclose(file) == 0, written == bytes.count, rename(partial, path) == 0 else {
      let error = failure()
      unlink(partial)
      throw error
    }
  }
}
