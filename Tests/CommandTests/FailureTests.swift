import ArgumentParser
import Testing
import Transformer

@testable import foretoken

@Suite struct FailureTests {
  @Test(
    "An error about a file has the status of its kind",
    arguments: [
      (ModelError.Code.malformed, 65 as Int32), (.mismatch, 65), (.unsupported, 65),
      (.missing, 66), (.outOfMemory, 70), (.inputOutput, 74),
    ])
  func status(_ code: ModelError.Code, _ status: Int32) {
    #expect(throws: ExitCode(status)) {
      try Failure.reported { throw ModelError(code, path: "x", problem: "is a test") }
    }
  }

  @Test func `A request that makes no sense has the status of wrong usage`() {
    #expect(throws: ExitCode(64)) {
      try Failure.reported { throw Failure.Usage(message: "x is there already") }
    }
  }

  @Test func `ArgumentParser's own errors pass through`() {
    #expect(throws: ValidationError.self) {
      try Failure.reported { throw ValidationError("no") }
    }
  }

  @Test func `Control characters of a file's names do not reach the terminal`() {
    #expect("a\u{1B}[2J\nb ü".printable == "a\\u{1b}[2J\\u{a}b ü")
  }
}
