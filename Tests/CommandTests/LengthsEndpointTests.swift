import FoundationEssentials
import Support
import Testing
import Workload

@testable import foretoken

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

@Suite struct LengthsEndpointTests {
  private let folder: TemporaryFolder
  private static let count = 10

  init() throws {
    folder = try TemporaryFolder()
    let lines = (0..<Self.count).map { "{\"prompt\": \"say \($0) words\", \"source\": \"tiny\"}\n" }
    try TextFile.write(lines.joined(), to: folder.path + "/prompts.jsonl")
  }

  /// A model whose answers follow from the request: as a good server's do from its seed.
  private static func completion(_ request: LoopbackServer.Request) -> String {
    let tokens = 1 + request.body.utf8.reduce(7) { ($0 &* 31 &+ Int($1)) & 0xFFFF } % 50
    return """
      {"id": "x", "object": "chat.completion", "model": "m", "choices": [{"index": 0,
      "message": {"role": "assistant", "content": "\(tokens) of them"}, "finish_reason": "stop"}],
      "usage": {"prompt_tokens": 9, "completion_tokens": \(tokens), "total_tokens": 0}}
      """
  }

  private func arguments(_ server: LoopbackServer, _ output: String, _ more: [String]) -> [String] {
    ["lengths", "collect", folder.path + "/prompts.jsonl", "-o", folder.path + "/" + output]
      + ["--retry-delay", "0.01"]
      + ["--endpoint", "http://127.0.0.1:\(server.port)/v1", "--model", "org/some", "--draws", "4"]
      + more
  }

  private func rows(_ name: String) throws -> [LengthRow] {
    let path = folder.path + "/" + name
    var reader = LengthRowReader(try FileBytes(path: path), name: path)
    return try reader.rest().map { row in
      var row = row
      row.generationTime = nil
      return row
    }
  }

  @Test func `A shaky server gives the same rows as a good one`() throws {
    let good = try LoopbackServer { .respond(status: 200, body: Self.completion($0)) }
    defer { good.stop() }
    let calm = try CommandLineTool.run(arguments(good, "calm.jsonl", ["--text"]))
    try #require(calm.status == 0, "\(calm.errors)")
    let expected = try rows("calm.jsonl")
    #expect(expected.count == Self.count && good.requestCount == 4 * Self.count)
    for row in expected {
      #expect(row.inconsistentKey() == nil && row.outputSizes.count == 4)
      #expect(row.model == "org--some" && row.inputSize == 9 && row.dataset == "tiny")
      #expect(row.longestResponse == "\(row.outputSizes.max() ?? 0) of them")
    }
    let shaky = try LoopbackServer { request in
      switch request.number % 9 {
      case 1: .respond(status: 429, body: "")
      case 3: .respond(status: 500, body: "{\"error\": {\"message\": \"out of memory\"}}")
      case 5: .breakOff(body: "{\"choices\": [", missing: 99)
      case 7: .respond(status: 200, body: "{\"choices\": [{\"messa")
      default: .respond(status: 200, body: Self.completion(request))
      }
    }
    defer { shaky.stop() }
    let outcome = try CommandLineTool.run(arguments(shaky, "shaky.jsonl", ["--text"]))
    try #require(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.errors.contains("tried again"))
    #expect(try rows("shaky.jsonl") == expected)
    let uncounted = try CommandLineTool.run(
      arguments(good, "plus.jsonl", ["--text", "--end-uncounted"]))
    #expect(uncounted.status == 0)
    #expect(
      try rows("plus.jsonl").map(\.outputSizes) == expected.map { $0.outputSizes.map { $0 + 1 } })
  }

  @Test func `Killed again and again, it ends with the rows of an undisturbed run`() throws {
    let server = try LoopbackServer { request in
      usleep(2_000)
      return .respond(status: 200, body: Self.completion(request))
    }
    defer { server.stop() }
    #expect(try CommandLineTool.run(arguments(server, "calm.jsonl", [])).status == 0)
    let path = folder.path + "/killed.jsonl"
    var generator = SeededGenerator(seed: 3)
    for _ in 0..<8 where !FileManager.default.fileExists(atPath: path) {
      let program = try CommandLineTool.start(
        arguments(server, "killed.jsonl", ["--concurrency", "2"]))
      usleep(.random(in: 20_000...60_000, using: &generator))
      program.send(SIGKILL)
      _ = try program.finish()
    }
    if !FileManager.default.fileExists(atPath: path) {
      #expect(try CommandLineTool.run(arguments(server, "killed.jsonl", [])).status == 0)
    }
    #expect(try rows("killed.jsonl") == rows("calm.jsonl"))
  }

  @Test func `Several choices come from one request, and missing ones are asked for again`() throws
  {
    let server = try LoopbackServer { request in
      // Three at most, whatever is asked for.
      let choices = (0..<3).map { index in
        "{\"index\": \(index), \"message\": {\"content\": \"x\"}, \"finish_reason\": \"stop\", "
          + "\"logprobs\": {\"content\": [\(Array(repeating: "{}", count: index + 2).joined(separator: ","))]}}"
      }
      return .respond(
        status: 200,
        body: "{\"choices\": [\(choices.joined(separator: ","))], "
          + "\"usage\": {\"prompt_tokens\": 9, \"completion_tokens\": 9}}")
    }
    defer { server.stop() }
    let outcome = try CommandLineTool.run(
      arguments(server, "many.jsonl", ["--choices", "4", "--limit", "2"]))
    try #require(outcome.status == 0, "\(outcome.errors)")
    #expect(try rows("many.jsonl").map(\.outputSizes) == [[2, 3, 4, 2], [2, 3, 4, 2]])
    #expect(server.requestCount == 4)
  }

  @Test func `The key goes to the server and nowhere else, and a wrong one is said`() throws {
    let server = try LoopbackServer { request in
      request.head.contains("Authorization: Bearer sesame-1")
        ? .respond(status: 200, body: Self.completion(request))
        : .respond(status: 401, body: "{\"error\": {\"message\": \"who are you\"}}")
    }
    defer { server.stop() }
    let wrong = try CommandLineTool.run(
      arguments(server, "key.jsonl", []), environment: ["OPENAI_API_KEY": "sesame-2"])
    #expect(wrong.status == 77 && wrong.errors.contains("who are you"))
    #expect(!wrong.errors.contains("sesame"))
    let right = try CommandLineTool.run(
      arguments(server, "key.jsonl", ["--api-key-env", "MY_KEY"]),
      environment: ["MY_KEY": "sesame-1"])
    #expect(right.status == 0, "\(right.errors)")
    server.stop()
    let gone = try CommandLineTool.run(arguments(server, "gone.jsonl", ["--attempts", "2"]))
    #expect(gone.status == 75 && gone.errors.contains("no answer in 2 tries"))
    for bad in [["--endpoint", "file:///x"], ["--rate", "0"], ["--states", "s"]] {
      #expect(try CommandLineTool.run(arguments(server, "bad.jsonl", bad)).status == 64)
    }
  }
}
