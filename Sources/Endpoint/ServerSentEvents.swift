/// Takes a stream of server-sent events apart, however it was cut into pieces
/// (WHATWG HTML, 9.2.6 "Interpreting an event stream").
///
/// Only the data of events is of interest: that is all that OpenAI-compatible endpoints send.
package struct ServerSentEvents: Sendable {
  private var line: [UInt8] = []
  private var data: [UInt8] = []
  private var hasData = false
  private var endedInReturn = false

  package init() {}

  /// Data of the events that these bytes complete.
  package mutating func receive(_ bytes: some Sequence<UInt8>) -> [[UInt8]] {
    var events: [[UInt8]] = []
    for byte in bytes {
      let isReturn = byte == UInt8(ascii: "\r")
      // A return and a line feed end one line together.
      let isSecondHalf = endedInReturn && byte == UInt8(ascii: "\n")
      endedInReturn = isReturn
      if isSecondHalf { continue }
      guard isReturn || byte == UInt8(ascii: "\n") else {
        line.append(byte)
        continue
      }
      if let event = endLine() { events.append(event) }
    }
    return events
  }

  private mutating func endLine() -> [UInt8]? {
    defer { line.removeAll(keepingCapacity: true) }
    if line.isEmpty {
      defer { (data, hasData) = ([], false) }
      return hasData ? data : nil
    }
    let name = Array("data".utf8)
    guard line.starts(with: name) else { return nil }
    var value = line[name.count...]
    guard value.isEmpty || value.removeFirst() == UInt8(ascii: ":") else { return nil }
    if value.first == UInt8(ascii: " ") { value.removeFirst() }
    if hasData { data.append(UInt8(ascii: "\n")) }
    data += value
    hasData = true
    return nil
  }
}
