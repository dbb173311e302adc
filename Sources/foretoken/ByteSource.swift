import Transformer

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Bytes from outside (a pipe, a terminal, a file), as they come: whole, or line by line.
///
/// A Ctrl-C that is waited for (`Interrupt.endsAfterRound`) ends the bytes.
final class ByteSource {
  /// As errors call it.
  let name: String
  private let descriptor: CInt
  private var buffer: [UInt8] = []
  private var isAtEnd = false

  /// More than any context holds, and little enough to keep.
  static let limit = 64 << 20

  /// Standard input.
  init() {
    name = "stdin"
    descriptor = STDIN_FILENO
  }

  /// - Throws: `CommandError` for a file that is not there or cannot be opened.
  init(path: String) throws(CommandError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      let reason = errno
      let isMissing = reason == ENOENT || reason == ENOTDIR
      throw CommandError(
        isMissing ? Failure.missingInput : Failure.inputOutput,
        "\(path): cannot be opened: \(systemMessage(reason))")
    }
    name = path
    self.descriptor = descriptor
  }

  deinit { if descriptor != STDIN_FILENO { close(descriptor) } }

  static var standardInputIsTerminal: Bool { isatty(STDIN_FILENO) == 1 }

  /// Everything up to the end.
  ///
  /// - Throws: `CommandError` for what cannot be read, or is larger than `limit`.
  func all() throws(CommandError) -> [UInt8] {
    while try fill() {
      guard buffer.count <= Self.limit else { throw tooLarge("") }
    }
    defer { buffer = [] }
    return buffer
  }

  /// The next line without its end; nil at the end.
  ///
  /// - Throws: `CommandError` as `all` does; after a line larger than `limit` the next call goes on
  ///   with the line after it.
  func line() throws(CommandError) -> [UInt8]? {
    let newline = UInt8(ascii: "\n")
    var searched = 0
    var isTooLarge = false
    while true {
      if let end = buffer[searched...].firstIndex(of: newline) {
        let line = Array(buffer[..<end])
        buffer.removeSubrange(...end)
        if isTooLarge { throw tooLarge("a line ") }
        return line
      }
      if buffer.count > Self.limit {
        isTooLarge = true
        buffer.removeAll()
      }
      searched = buffer.count
      guard try fill() else {
        defer { buffer = [] }
        if isTooLarge { throw tooLarge("a line ") }
        return buffer.isEmpty || Interrupt.isRequested ? nil : buffer
      }
    }
  }

  private func tooLarge(_ what: String) -> CommandError {
    CommandError(
      Failure.badData, "\(name): \(what)is larger than \(Self.limit >> 20) MiB; no context holds it"
    )
  }

  /// Waits for bytes and appends them; false at the end.
  private func fill() throws(CommandError) -> Bool {
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while !isAtEnd, !Interrupt.isRequested {
      let count = read(descriptor, &chunk, chunk.count)
      if count > 0 {
        buffer += chunk[..<count]
        return true
      } else if count == 0 {
        isAtEnd = true
      } else if errno == EAGAIN {
        var input = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        poll(&input, 1, -1)
      } else if errno != EINTR {
        throw CommandError(
          Failure.inputOutput, "\(name): cannot be read: \(systemMessage(errno))")
      }
    }
    return false
  }
}

extension String {
  /// - Throws: `CommandError` naming the first byte that is not UTF-8.
  init(checking bytes: [UInt8], from source: String) throws(CommandError) {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw CommandError(
        Failure.badData, "\(source): byte \(Self.firstInvalidByte(bytes) ?? 0): is not UTF-8")
    }
    self = text
  }

  /// Where the first byte stands that begins no character.
  private static func firstInvalidByte(_ bytes: [UInt8]) -> Int? {
    var parser = Unicode.UTF8.ForwardParser()
    var rest = bytes.makeIterator()
    var offset = 0
    while true {
      switch parser.parseScalar(from: &rest) {
      case .valid(let character): offset += character.count
      case .error: return offset
      case .emptyInput: return nil
      }
    }
  }
}
