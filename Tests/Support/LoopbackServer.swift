import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// An HTTP server on the loopback interface that answers as a test says.
package final class LoopbackServer: Sendable {
  package enum Answer: Sendable {
    case respond(status: Int, headers: [String] = [], body: String)
    /// A body whose parts are sent one after the other, with so many microseconds between them.
    case trickle([String], pause: UInt32)
    /// Says that the body has so many more bytes than it sends, and breaks off.
    case breakOff(body: String, missing: Int)
    /// Closes the connection without a word.
    case hangUp
  }

  package struct Request: Sendable {
    /// From 0 on.
    package var number: Int
    package var head: String
    package var body: String
  }

  package let port: UInt16
  private let listener: CInt
  private let count = Mutex(0)
  private let isStopped = Mutex(false)

  /// - Parameter port: 0 for any that is free.
  package init(port: UInt16 = 0, answer: @escaping @Sendable (Request) -> Answer) throws {
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var yes: CInt = 1
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<CInt>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isListening = withUnsafeMutableBytes(of: &address) { [listener] bytes in
      guard let base = bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self) else {
        return false
      }
      return bind(listener, base, size) == 0 && listen(listener, 64) == 0
        && getsockname(listener, base, &size) == 0
    }
    self.port = UInt16(bigEndian: address.sin_port)
    guard isListening else {
      close(listener)
      throw CannotListen(port: port)
    }
    Self.startThread { [self] in
      while true {
        let connection = accept(listener, nil, nil)
        guard connection >= 0, !isStopped.withLock({ $0 }) else {
          if connection >= 0 { close(connection) }
          break
        }
        Self.startThread { self.serve(connection, answer) }
      }
      close(listener)
    }
  }

  private final class Work: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  /// A thread of its own: what waits for the network must not take a worker from the tests.
  private static func startThread(_ body: @escaping @Sendable () -> Void) {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    var thread = pthread_t()
    let work = Unmanaged.passRetained(Work(body))
    let status = pthread_create(
      &thread, &attributes,
      { argument in
        if let argument { Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body() }
        return nil
      }, work.toOpaque())
    if status != 0 { work.release() }
  }

  private struct CannotListen: Error { var port: UInt16 }

  /// Requests so far.
  package var requestCount: Int { count.withLock { $0 } }

  /// Takes no more connections.
  package func stop() {
    let isFirst = isStopped.withLock { isStopped in
      defer { isStopped = true }
      return !isStopped
    }
    // The second time the number may be another server's.
    if isFirst { shutdown(listener, Int32(SHUT_RDWR)) }
  }

  private func serve(_ connection: CInt, _ answer: (Request) -> Answer) {
    defer { close(connection) }
    guard let (head, body) = Self.read(connection) else { return }
    let number = count.withLock { count in
      count += 1
      return count - 1
    }
    switch answer(Request(number: number, head: head, body: body)) {
    case .hangUp: return
    case .breakOff(let body, let missing):
      Self.write(connection, Self.head(200, [], body.utf8.count + missing) + body)
    case .trickle(let parts, let pause):
      let length = parts.reduce(0) { $0 + $1.utf8.count }
      Self.write(connection, Self.head(200, ["Content-Type: text/event-stream"], length))
      for (index, part) in parts.enumerated() {
        if index > 0 { usleep(pause) }
        Self.write(connection, part)
      }
    case .respond(let status, let headers, let body):
      Self.write(connection, Self.head(status, headers, body.utf8.count) + body)
    }
  }

  private static func head(_ status: Int, _ headers: [String], _ length: Int) -> String {
    let lines = ["HTTP/1.1 \(status) Said", "Content-Length: \(length)", "Connection: close"]
    return (lines + headers).joined(separator: "\r\n") + "\r\n\r\n"
  }

  private static func read(_ connection: CInt) -> (head: String, body: String)? {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 14)
    var headEnd: Int?
    var length = 0
    while headEnd.map({ bytes.count < $0 + length }) ?? true {
      let got = recv(connection, &buffer, buffer.count, 0)
      guard got > 0 else { return nil }
      bytes += buffer[..<got]
      guard headEnd == nil else { continue }
      let text = String(decoding: bytes, as: UTF8.self)
      guard let end = text.firstRange(of: "\r\n\r\n") else { continue }
      headEnd = text[..<end.upperBound].utf8.count
      for line in text[..<end.lowerBound].split(separator: "\r\n")
      where line.lowercased().hasPrefix("content-length:") {
        length = Int(line.dropFirst(15).drop { $0 == " " }) ?? 0
      }
    }
    guard let headEnd else { return nil }
    return (
      String(decoding: bytes[..<headEnd], as: UTF8.self),
      String(decoding: bytes[headEnd...], as: UTF8.self)
    )
  }

  private static func write(_ connection: CInt, _ text: String) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      #if canImport(Glibc)
        let flags = Int32(MSG_NOSIGNAL)
      #else
        let flags: Int32 = 0
      #endif
      let sent = rest.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, flags) }
      guard sent > 0 else { return }
      rest = rest.dropFirst(sent)
    }
  }
}
