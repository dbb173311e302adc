import Testing

@testable import foretoken

@Suite struct ByteSourceTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func source(_ bytes: some Sequence<UInt8>) throws -> ByteSource {
    try folder.write("bytes", bytes)
    return try ByteSource(path: folder.path + "/bytes")
  }

  private func lines(_ text: String) throws -> [String] {
    let source = try source(text.utf8)
    var lines: [String] = []
    while let line = try source.line() { lines.append(String(decoding: line, as: UTF8.self)) }
    return lines
  }

  @Test func `Lines end with a newline or with the file`() throws {
    #expect(try lines("") == [])
    #expect(try lines("a") == ["a"])
    #expect(try lines("a\n\nbc\n") == ["a", "", "bc"])
    let long = String(repeating: "x", count: 200_000)
    #expect(try lines("\(long)\n\(long)y\nz") == [long, long + "y", "z"])
  }

  @Test func `A line larger than the limit fails, and the next one is read`() throws {
    let large = repeatElement(UInt8(ascii: "x"), count: ByteSource.limit + 70_000)
    let source = try source(Array("a\n".utf8) + large + Array("\nb\n".utf8))
    #expect(try source.line() == Array("a".utf8))
    #expect(throws: CommandError.self) { try source.line() }
    #expect(try source.line() == Array("b".utf8))
    #expect(try source.line() == nil)
  }

  @Test func `Everything at once is bounded too`() throws {
    #expect(try source("ab\nc".utf8).all() == Array("ab\nc".utf8))
    let large = repeatElement(UInt8(ascii: "x"), count: ByteSource.limit + 1)
    #expect(throws: CommandError.self) { try source(large).all() }
  }

  @Test(
    "The first byte that is no UTF-8 is named",
    arguments: [
      ([0xFF], 0), ([0x61, 0xC3], 1), ([0x61, 0xC3, 0xA9, 0x80], 3), ([0xE2, 0x82, 0x41], 0),
      ([0x61, 0xED, 0xA0, 0x80], 1), ([0xF0, 0x9F, 0x98, 0x80, 0xC0], 4),
    ] as [([UInt8], Int)])
  func invalid(_ bytes: [UInt8], _ place: Int) {
    #expect(throws: CommandError(65, "x: byte \(place): is not UTF-8")) {
      try String(checking: bytes, from: "x")
    }
  }
}
