import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Ctrl-C. While there is nothing to finish it ends the program at once; once answers are being
/// made, the first asks for an end after the round and the second ends at once.
enum Interrupt {
  /// The status of a process that Ctrl-C ended, as shells report it.
  static let status: Int32 = 130

  private static let count = Atomic(0)
  private static let isAwaited = Atomic(false)

  static var isRequested: Bool { count.load(ordering: .relaxed) > 0 }

  static func watch() {
    // Touched here, so that the handler does not initialise them.
    count.store(0, ordering: .relaxed)
    isAwaited.store(false, ordering: .relaxed)
    var action = sigaction()
    // Without SA_RESTART: waiting for input ends too.
    let handler: @convention(c) (CInt) -> Void = { _ in
      let earlier = Interrupt.count.wrappingAdd(1, ordering: .relaxed).oldValue
      if earlier > 0 || !Interrupt.isAwaited.load(ordering: .relaxed) { _exit(Interrupt.status) }
    }
    #if canImport(Glibc)
      action.__sigaction_handler.sa_handler = handler
    #else
      action.__sigaction_u.__sa_handler = handler
    #endif
    sigaction(SIGINT, &action, nil)
  }

  /// From now on somebody looks at `isRequested` after each round.
  static func endAfterRound() { isAwaited.store(true, ordering: .relaxed) }

  /// In a conversation a Ctrl-C ends the answer, and the next one counts afresh.
  static func reset() { count.store(0, ordering: .relaxed) }
}
