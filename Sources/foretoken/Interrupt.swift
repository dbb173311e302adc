import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Ctrl-C: the first asks for an end after the round, the second ends at once.
enum Interrupt {
  private static let count = Atomic<Int>(0)

  static var isRequested: Bool { count.load(ordering: .relaxed) > 0 }

  /// The status of a process that Ctrl-C ended, as shells report it.
  static let exitCode: Int32 = 130

  static func watch() {
    signal(SIGINT) { _ in
      if Interrupt.count.add(1, ordering: .relaxed).oldValue > 0 { _exit(Interrupt.exitCode) }
    }
  }

  /// In the chat loop a Ctrl-C ends the answer, and the next one counts afresh.
  static func reset() { count.store(0, ordering: .relaxed) }
}
