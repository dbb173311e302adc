import Support
import Testing

@testable import foretoken

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The context is long enough for an answer that no pipe holds: a program whose output is not read
/// is still at it, however late the test looks.
@Suite struct InterruptionTests {
  private let pair: TinyPair
  private let endless: [String]

  init() throws {
    pair = try TinyPair(context: 1 << 18)
    endless = pair.generate("hello", "-n", "200000", "--ignore-eos")
  }

  @Test func `Ctrl-C ends after the round, with a summary and status 130`() throws {
    let program = try CommandLineTool.start(endless)
    #expect(try !program.read(upTo: 1).isEmpty)
    program.send(SIGINT)
    let outcome = try program.finish()
    #expect(outcome.status == 130)
    #expect(outcome.errors.hasPrefix("draft: "))
    #expect(outcome.errors.contains("first token after"))
    #expect(outcome.text.hasSuffix("\n"))
  }

  @Test func `A second Ctrl-C ends at once`() throws {
    // Its output is not read, so the program waits in the pipe and cannot end after the round.
    let program = try CommandLineTool.start(endless)
    guard program.narrowOutput() else { return }
    while try !program.waitsForReader() { usleep(1000) }
    // More than twice, because signals that come together are one.
    while try program.waitsForReader() {
      program.send(SIGINT)
      usleep(1000)
    }
    let outcome = try program.finish()
    #expect(outcome.status == 130)
    #expect(outcome.errors == "")
  }

  @Test func `Ctrl-C where nothing has begun ends at once`() throws {
    let program = try CommandLineTool.start(pair.generate())
    usleep(300_000)
    program.send(SIGINT)
    #expect(try program.finish().status == 130)
  }

  @Test func `Ctrl-C among JSON lines gives the result so far`() throws {
    let program = try CommandLineTool.start(pair.generate("--jsonl", "--ignore-eos"))
    try program.write(Array(#"{"prompt": "x", "max_tokens": 200000}"#.utf8 + [10]))
    #expect(try !program.read(upTo: 1).isEmpty)
    program.send(SIGINT)
    let outcome = try program.finish()
    #expect(outcome.status == 130)
    let last = try JSONValue(parsing: try #require(outcome.text.split(separator: "\n").last))
    #expect(last["event"].string == "result")
    #expect(last["finish_reason"].string == "abort")
    #expect(outcome.errors.hasPrefix("draft: "))
  }

  @Test("A reader that has gone ends it quietly", arguments: [[], ["--jsonl"]])
  func closedPipe(_ arguments: [String]) throws {
    let program =
      arguments.isEmpty
      ? try CommandLineTool.start(endless)
      : try CommandLineTool.start(pair.generate("--ignore-eos") + arguments)
    if !arguments.isEmpty {
      try program.write(Array(#"{"prompt": "x", "max_tokens": 200000}"#.utf8 + [10]))
    }
    _ = try program.read(upTo: 10)
    program.closeOutput()
    let outcome = try program.finish()
    #expect(outcome.status == 0)
    #expect(outcome.errors == "")
  }

  @Test func `Output that cannot be written is an error`() throws {
    guard access("/dev/full", W_OK) == 0 else { return }
    let outcome = try Program.run(
      "/bin/sh",
      ["-c", #""$0" "$@" > /dev/full"#, Program.beside("foretoken")]
        + pair.generate("hello", "-n", "3"))
    #expect(outcome.status == 74)
    #expect(outcome.errors.contains("standard output: cannot be written"))
  }
}
