#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The thread's, not a task's: the engine has nobody else to let run.
enum Sleep {
  /// At most a second at a time, so that an interrupt is seen.
  static func microseconds(_ count: Int) { usleep(UInt32(min(max(count, 0), 1_000_000))) }
}
