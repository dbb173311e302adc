import FoundationEssentials
import Support
import Testing

@testable import Transformer

@Suite struct OutputFileTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test("A file has no name before it is complete, so that a process that dies leaves nothing")
  func nameless() throws {
    let file = try OutputFile(path: folder.file("out"))
    try file.append(Array("new".utf8))
    // Some file systems have no files without a name.
    if try !folder.names.contains(where: { $0.hasSuffix(".partial") }) {
      #expect(try folder.names.isEmpty)
    }
    try file.complete()
    #expect(try folder.names == ["out"])
    #expect(try folder.read("out") == Array("new".utf8))
  }

  @Test("What has the name is there until the new file is complete, and then is replaced")
  func replaced() throws {
    try folder.write(Array("old".utf8), as: "out")
    let dropped = try OutputFile(path: folder.file("out"))
    try dropped.append(Array("dropped".utf8))
    let file = try OutputFile(path: folder.file("out"))
    try file.append(Array("new".utf8))
    #expect(try folder.read("out") == Array("old".utf8))
    try file.complete()
    #expect(try folder.read("out") == Array("new".utf8))
    withExtendedLifetime(dropped) {}
    #expect(try folder.names.filter { !$0.hasSuffix(".partial") } == ["out"])
  }

  @Test("A file may get another name than the one that it was opened for")
  func elsewhere() throws {
    let file = try OutputFile(path: folder.file("target"))
    try file.append([1, 2, 3])
    try FileManager.default.createDirectory(
      at: URL(filePath: folder.file("made")), withIntermediateDirectories: false)
    try file.complete(as: folder.file("made/weights"))
    #expect(try folder.names == ["made"])
    #expect(try folder.read("made/weights") == [1, 2, 3])
  }

  @Test("A name that a folder has cannot be taken, and nothing is left")
  func taken() throws {
    try FileManager.default.createDirectory(
      at: URL(filePath: folder.file("out")), withIntermediateDirectories: false)
    do {
      let file = try OutputFile(path: folder.file("out"))
      try file.append([1])
      let error = #expect(throws: ModelError.self) { try file.complete() }
      #expect(error?.code == .inputOutput)
    }
    #expect(try folder.names == ["out"])
  }
}
