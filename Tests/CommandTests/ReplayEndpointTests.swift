import FoundationEssentials
import Support
import Testing

@testable import foretoken

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// `foretoken replay --endpoint`.
@Suite struct ReplayEndpointTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    let rows = (0..<20).map { "\(Double($0) * 0.005),\(4 + $0 % 5),\(1 + $0 * 7 % 13)" }
    try folder.write(
      "trace.csv",
      Array((["arrival_s,input_tokens,output_tokens"] + rows).joined(separator: "\n").utf8))
  }

  private func arguments(_ server: LoopbackServer, _ more: [String]) -> [String] {
    ["replay", folder.path + "/trace.csv", "--endpoint", "http://127.0.0.1:\(server.port)/v1"]
      + ["--model", "m", "--retry-delay", "0.01"] + more
  }

  @Test func `A run against a server gives metrics, and its log gives them again`() throws {
    let server = try LoopbackServer { CompletionServer.answer(.init($0.body), pause: 500) }
    defer { server.stop() }
    let log = folder.path + "/log.jsonl"
    let run = try CommandLineTool.run(
      arguments(
        server,
        ["--policy", "fcfs", "sjf-ageing", "--predictor", "oracle", "--json", "--log", log]))
    try #require(run.status == 0, "\(run.errors)")
    let results = try run.events
    #expect(results.count == 2)
    for result in results {
      #expect(result["finished"].int == 20 && result["endpoint"]["other_lengths"].int == 0)
      #expect(result["itl_p50"].double ?? 0 > 0.0004)
    }
    let again = try CommandLineTool.run(["replay", "--from-log", log, "--json"]).events
    for (result, same) in zip(results, again) {
      for key in ["ttft", "tpot", "e2e", "itl_p50", "itl_p99", "requests", "policy"] {
        #expect(result[key] == same[key])
      }
    }
  }

  @Test func `Texts of a trace are sent as they are`() throws {
    let server = try LoopbackServer { request in
      request.body.contains("say \\\"one\\\", two") || request.body.contains("\"max_tokens\":1,")
        ? CompletionServer.answer(.init(request.body)) : .respond(status: 400, body: "what?")
    }
    defer { server.stop() }
    let path = folder.path + "/texts.csv"
    try folder.write(
      "texts.csv", Array("t,in,out,what\n0,4,3,\"say \"\"one\"\", two\"\n".utf8))
    let columns = ["--columns", "arrival=t,input=in,output=out,text=what", "--json"]
    var line = arguments(server, columns)
    line[1] = path
    let run = try CommandLineTool.run(line)
    #expect(run.status == 0 && run.text.contains("\"finished\":1,"), "\(run.errors)")
  }

  @Test func `Prompts of one's own are asked in turn, and answers end by themselves`() throws {
    let server = try LoopbackServer { request in
      let isProbe = request.number < 2
      guard isProbe || request.body.contains("\"max_tokens\":77"),
        !request.body.contains("ignore_eos"), !request.body.contains("min_tokens")
      else { return .respond(status: 400, body: "what?") }
      let words = CompletionServer.Wish(request.body).words
      return CompletionServer.answer(
        .init(request.body.replacing("\"max_tokens\":77", with: "\"max_tokens\":\(words)")))
    }
    defer { server.stop() }
    try folder.write(
      "prompts.jsonl", Array("{\"prompt\": \"one\"}\n{\"prompt\": \"one two three\"}\n".utf8))
    let run = try CommandLineTool.run(
      arguments(
        server, ["--prompts", folder.path + "/prompts.jsonl", "--max-tokens", "77", "--json"]))
    try #require(run.status == 0, "\(run.errors)")
    let result = try #require(try run.events.first)
    #expect(result["finished"].int == 20 && result["endpoint"]["other_lengths"].int == 0)
    #expect(server.requestCount == 22)
  }

  @Test(
    "What cannot be asked ends before it begins",
    arguments: [
      (401, 77 as Int32, "who are you"), (404, 65, "no such model"), (503, 75, "3 tries"),
    ])
  func refused(_ status: Int, _ exit: Int32, _ problem: String) throws {
    let server = try LoopbackServer { _ in
      .respond(status: status, body: "{\"error\": {\"message\": \"\(problem)\"}}")
    }
    defer { server.stop() }
    let run = try CommandLineTool.run(arguments(server, []))
    #expect(run.status == exit && run.errors.contains(problem) && run.text.isEmpty)
    server.stop()
    for (wrong, told) in [
      (["--policy", "vtc"], "--client-order"), (["--live"], "exclude each other"),
      (["--concurrency", "0"], "1 to 100000"),
      (["--priority-step", "0", "--policy", "sjf"], "above"),
    ] {
      let run = try CommandLineTool.run(arguments(server, wrong))
      #expect(run.status == 64 && run.errors.contains(told), "\(run.errors)")
    }
  }

  @Test func `A server that ends in the middle leaves its name and what was measured`() throws {
    let server = try LoopbackServer { request in
      request.number < 12 ? CompletionServer.answer(.init(request.body)) : .hangUp
    }
    defer { server.stop() }
    let run = try CommandLineTool.run(arguments(server, ["--attempts", "2", "--json"]))
    try #require(run.status == 0, "\(run.errors)")
    let result = try #require(try run.events.first)
    #expect(result["finished"].int == 10 && result["rejected"].int == 10)
    #expect(run.errors.contains("10 failed: "))
  }

  @Test func `Ctrl-C leaves what was measured, with status 130`() throws {
    let server = try LoopbackServer { request in
      let wish = CompletionServer.Wish(request.body)
      return CompletionServer.answer(wish, pause: wish.tokens > 5 ? 5_000_000 : 100)
    }
    defer { server.stop() }
    let log = folder.path + "/log.jsonl"
    let program = try CommandLineTool.start(arguments(server, ["--log", log, "--json"]))
    while server.requestCount < 22 { usleep(5000) }
    usleep(100_000)
    program.send(SIGINT)
    let run = try program.finish()
    #expect(run.status == 130, "\(run.errors)")
    let result = try #require(try run.events.first)
    let finished = try #require(result["finished"].int)
    #expect(result["requests"].int == 20 && finished > 3 && finished < 20)
    let again = try CommandLineTool.run(["replay", "--from-log", log, "--json"])
    #expect(try again.events.first?["finished"].int == finished)
  }
}
