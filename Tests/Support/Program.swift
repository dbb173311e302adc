import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A program run as a process, as a person would run it: arguments and input in, output, errors and
/// a status out.
package final class Program {
  /// What is wrong with running it.
  package struct Failure: Error, CustomStringConvertible {
    package var description: String
  }

  /// What it left behind.
  package struct Outcome: Sendable {
    /// The exit status; 128 + the number of the signal that ended it.
    package var status: Int32
    package var output: [UInt8]
    package var errors: String

    package var text: String { String(decoding: output, as: UTF8.self) }
  }

  private let process: pid_t
  private var input: CInt?
  private var output: CInt
  private let errors: CInt
  private var isFinished = false
  /// Nothing that we run takes long, but the machine may be busy.
  private let deadline = ContinuousClock.now + .seconds(60)

  /// One at a time: descriptors of one child must not leak into another.
  private static let starting = Mutex(())

  /// The program that the test's build made beside the test.
  package static func beside(_ name: String) throws -> String {
    var path = [CChar](repeating: 0, count: 4096)
    let count = readlink("/proc/self/exe", &path, path.count - 1)
    guard count > 0 else { throw Failure(description: "the system does not name this program") }
    let own = String(decoding: path[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return own.split(separator: "/", omittingEmptySubsequences: false).dropLast()
      .joined(separator: "/") + "/" + name
  }

  /// Runs it to its end.
  package static func run(
    _ path: String, _ arguments: [String], input: [UInt8] = [], environment: [String: String] = [:]
  ) throws -> Outcome {
    let program = try Program(path, arguments, environment: environment)
    try program.write(input)
    program.closeInput()
    return try program.finish()
  }

  /// Starts it; its input stays open. The environment is what is given and PATH.
  package init(_ path: String, _ arguments: [String], environment: [String: String] = [:]) throws {
    let (process, input, output, errors) = try Self.starting.withLock { _ in
      let (input, output) = (try Self.pipeEnds(), try Self.pipeEnds())
      let errors = try Self.temporaryFile()
      defer {
        close(input.reading)
        close(output.writing)
      }
      #if canImport(Glibc)
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
      #else
        var actions: posix_spawn_file_actions_t?
        var attributes: posix_spawnattr_t?
      #endif
      posix_spawn_file_actions_init(&actions)
      defer { posix_spawn_file_actions_destroy(&actions) }
      posix_spawn_file_actions_adddup2(&actions, input.reading, STDIN_FILENO)
      posix_spawn_file_actions_adddup2(&actions, output.writing, STDOUT_FILENO)
      posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO)
      // Signals are what a shell would hand down, whatever the test's thread ignores or blocks.
      posix_spawnattr_init(&attributes)
      defer { posix_spawnattr_destroy(&attributes) }
      var signals = sigset_t()
      sigemptyset(&signals)
      sigaddset(&signals, SIGINT)
      sigaddset(&signals, SIGPIPE)
      posix_spawnattr_setsigdefault(&attributes, &signals)
      sigemptyset(&signals)
      posix_spawnattr_setsigmask(&attributes, &signals)
      posix_spawnattr_setflags(
        &attributes, Int16(POSIX_SPAWN_SETSIGDEF) | Int16(POSIX_SPAWN_SETSIGMASK))

      var process = pid_t()
      let searchPath = getenv("PATH").map { String(cString: $0) } ?? ""
      let variables = environment.merging(["PATH": searchPath]) { given, _ in given }
      let status = Self.withPointers([path] + arguments) { arguments in
        Self.withPointers(variables.map { "\($0)=\($1)" }) { variables in
          posix_spawn(&process, path, &actions, &attributes, arguments, variables)
        }
      }
      guard status == 0 else {
        throw Failure(description: "\(path): \(String(cString: strerror(status)))")
      }
      return (process, input.writing, output.reading, errors)
    }
    self.process = process
    self.input = input
    self.output = output
    self.errors = errors
  }

  deinit {
    if !isFinished {
      kill(process, SIGKILL)
      waitpid(process, nil, 0)
    }
    closeInput()
    closeOutput()
    close(errors)
  }

  // MARK: - While it runs

  /// Hands it bytes; little enough for a pipe to hold (64 KiB), so that nobody waits for another.
  package func write(_ bytes: [UInt8]) throws {
    guard let input, !bytes.isEmpty else { return }
    guard bytes.count <= 65_536 else { throw Failure(description: "too much for a pipe") }
    // A program that did not wait for its input is no failure.
    signal(SIGPIPE, SIG_IGN)
    #if canImport(Glibc)
      _ = Glibc.write(input, bytes, bytes.count)
    #else
      _ = Darwin.write(input, bytes, bytes.count)
    #endif
  }

  package func closeInput() {
    if let input { close(input) }
    input = nil
  }

  /// Waits for the next bytes of its output; none at the end.
  package func read(upTo count: Int = 65_536) throws -> [UInt8] {
    var ready = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
    let left = (deadline - ContinuousClock.now) / .milliseconds(1)
    guard poll(&ready, 1, CInt(max(0, left))) > 0 else {
      throw Failure(description: "no output in time")
    }
    var bytes = [UInt8](repeating: 0, count: count)
    #if canImport(Glibc)
      let size = Glibc.read(output, &bytes, count)
    #else
      let size = Darwin.read(output, &bytes, count)
    #endif
    return Array(bytes[..<max(0, size)])
  }

  /// Makes its output wait for a reader after a few thousand bytes; false where the system cannot.
  package func narrowOutput() -> Bool {
    #if os(Linux)
      let setPipeSize: CInt = 1031  // F_SETPIPE_SZ
      return fcntl(output, setPipeSize, CInt(4096)) == 4096
    #else
      return false
    #endif
  }

  /// Whether it sleeps with its output full. Only Linux tells.
  package func waitsForReader() throws -> Bool {
    var count: CInt = 0
    guard ContinuousClock.now < deadline, ioctl(output, UInt(FIONREAD), &count) == 0 else {
      throw Failure(description: "it did not come to wait for a reader in time")
    }
    let file = open("/proc/\(process)/stat", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return false }
    defer { close(file) }
    // The process, its name in parentheses, its state.
    let state = contents(of: file, size: 4096).split(separator: ") ").last?.first
    return count > 4000 && state == "S"
  }

  /// Stops reading its output, as `head` does.
  package func closeOutput() {
    if output >= 0 { close(output) }
    output = -1
  }

  package func send(_ signal: Int32) { kill(process, signal) }

  /// Reads what is left of its output and waits for its end.
  package func finish() throws -> Outcome {
    var bytes: [UInt8] = []
    while output >= 0 {
      let part = try read()
      if part.isEmpty { break }
      bytes += part
    }
    var status: CInt = 0
    while waitpid(process, &status, WNOHANG) == 0 {
      guard ContinuousClock.now < deadline else {
        throw Failure(description: "it did not end in time")
      }
      usleep(1000)
    }
    isFinished = true
    let signal = status & 0x7F
    return Outcome(
      status: signal == 0 ? status >> 8 & 0xFF : 128 + signal, output: bytes,
      errors: contents(of: errors, size: Int(lseek(errors, 0, SEEK_END))))
  }

  // MARK: - Plumbing

  private func contents(of file: CInt, size: Int) -> String {
    var bytes = [UInt8](repeating: 0, count: max(0, size))
    let count = pread(file, &bytes, bytes.count, 0)
    return String(decoding: bytes[..<max(0, count)], as: UTF8.self)
  }

  private static func pipeEnds() throws -> (reading: CInt, writing: CInt) {
    var ends: [CInt] = [0, 0]
    guard pipe(&ends) == 0 else { throw Failure(description: "no pipe: \(errno)") }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
  }

  /// A file without a name.
  private static func temporaryFile() throws -> CInt {
    var name = Array("/tmp/foretoken-test-XXXXXX".utf8CString)
    let file = mkstemp(&name)
    guard file >= 0 else { throw Failure(description: "no temporary file: \(errno)") }
    unlink(name)
    _ = fcntl(file, F_SETFD, FD_CLOEXEC)
    return file
  }

  private static func withPointers<Result>(
    _ texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
  ) -> Result {
    let pointers = texts.map { strdup($0) }
    defer { for pointer in pointers { free(pointer) } }
    return body(pointers + [nil])
  }
}
