import FoundationEssentials
import Testing

@testable import Transformer

@Suite struct LineWriterTests {
  @Test func `Frames hold whole lines, and the file appears when it is complete`() throws {
    let folder = FileManager.default.temporaryDirectory.path
    let path = "\(folder)/foretoken-lines-\(UInt64.random(in: 0...(.max))).zst"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let line = [UInt8](repeating: UInt8(ascii: "x"), count: 700_000)
    let writer = try LineWriter(path: path)
    for _ in 0..<3 { try writer.append(line) }
    #expect(!FileManager.default.fileExists(atPath: path))
    try writer.complete()
    let bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
    // Two lines fill a frame; the third is in one of its own.
    let starts = bytes.indices.filter { bytes[$0...].starts(with: [0x28, 0xB5, 0x2F, 0xFD]) }
    #expect(starts.count == 2)
    let first = 2 * (line.count + 1)
    var text = [UInt8](repeating: 0, count: 3 * (line.count + 1))
    let decoder = try ZstdDecoder()
    try bytes.withUnsafeBytes { bytes in
      try text.withUnsafeMutableBytes { text in
        try decoder.decode(
          UnsafeRawBufferPointer(rebasing: bytes[..<starts[1]]),
          into: UnsafeMutableRawBufferPointer(rebasing: text[..<first]))
        try decoder.decode(
          UnsafeRawBufferPointer(rebasing: bytes[starts[1]...]),
          into: UnsafeMutableRawBufferPointer(rebasing: text[first...]))
      }
    }
    #expect(text == Array(repeatElement(line + [10], count: 3).joined()))
  }
}
