import Testing

@testable import Endpoint

@Suite struct CompletionTests {
  private func text(_ request: CompletionRequest) throws -> String {
    String(decoding: try request.body(url: ""), as: UTF8.self)
  }

  @Test func `A request has the fields of its kind, and none that nobody asked for`() throws {
    var request = CompletionRequest(
      model: "m", prompt: .chat("hi \"you\""), temperature: 0.5, topP: 1)
    #expect(request.url(base: "http://h/v1/") == "http://h/v1/chat/completions")
    let chat = try text(request)
    #expect(chat.contains("\"messages\":[{") && chat.contains("hi \\\"you\\\""))
    for absent in ["top_k", "max_tokens", "seed", "\"n\"", "stream", "logprobs", "\"prompt\""] {
      #expect(!chat.contains(absent))
    }
    request.prompt = .raw("go on")
    (request.topK, request.maxTokens, request.seed) = (5, 7, 9)
    (request.choices, request.isStreamed) = (3, true)
    #expect(request.url(base: "http://h/v1") == "http://h/v1/completions")
    let raw = try text(request)
    for present in [
      "\"prompt\":\"go on\"", "\"top_k\":5", "\"max_tokens\":7", "\"seed\":9", "\"n\":3",
      "\"logprobs\":0", "\"stream\":true", "\"include_usage\":true",
    ] { #expect(raw.contains(present)) }
  }

  private func completion(_ text: String) throws(EndpointError) -> Completion {
    try Completion(body: Array(text.utf8), url: "u")
  }

  @Test func `Lengths come from the usage of one choice, or from each choice's tokens`() throws {
    let chat = try completion(
      """
      {"choices": [{"index": 0, "message": {"content": "yes"}, "finish_reason": "stop"}],
       "usage": {"prompt_tokens": 12, "completion_tokens": 4, "total_tokens": 16}}
      """)
    #expect(chat.promptTokens == 12)
    #expect(chat.choices == [Completion.Choice(text: "yes", tokens: 4, isEnded: true)])
    let two = try completion(
      """
      {"choices": [
        {"index": 1, "text": "b", "finish_reason": "length", "logprobs": {"tokens": ["b"]}},
        {"index": 0, "text": "a", "finish_reason": "stop", "logprobs": {"content": [{}, {}]}}],
       "usage": {"prompt_tokens": 1, "completion_tokens": 3}}
      """)
    #expect(
      two.choices == [
        Completion.Choice(text: "a", tokens: 2, isEnded: true),
        Completion.Choice(text: "b", tokens: 1, isEnded: false),
      ])
  }

  @Test(arguments: [
    ("", EndpointError.Code.unavailable), ("{\"choices\": [{\"te", .unavailable),
    ("[]", .unavailable), ("{}", .unavailable), ("{\"choices\": []}", .unavailable),
    ("{\"error\": {\"message\": \"busy\"}}", .unavailable),
    ("{\"choices\": [{\"text\": \"a\"}]}", .malformed),
    ("{\"choices\": [{\"text\": \"a\"}], \"usage\": {\"prompt_tokens\": 3}}", .malformed),
    (
      "{\"choices\": [{\"text\": \"a\"}], "
        + "\"usage\": {\"prompt_tokens\": 3, \"completion_tokens\": -1}}", .malformed
    ),
    (
      "{\"choices\": [{\"text\": \"a\"}, {\"text\": \"b\"}], "
        + "\"usage\": {\"prompt_tokens\": 3, \"completion_tokens\": 6}}", .malformed
    ),
  ]) func `Broken bodies may get better, those without lengths do not`(
    _ body: String, _ code: EndpointError.Code
  ) throws {
    let error = #expect(throws: EndpointError.self) { try completion(body) }
    #expect(error?.code == code)
  }

  @Test func `Events are the same however a stream is cut`() {
    let stream = Array(
      ": ping\r\n\r\ndata: {\"a\": 1}\n\nevent: x\ndata:two\r\ndata: lines\r\rdatax: no\n\ndata: end\n\ndata: torn"
        .utf8)
    let expected = ["{\"a\": 1}", "two\nlines", "end"]
    for size in 1...stream.count {
      var events = ServerSentEvents()
      var found: [String] = []
      for start in stride(from: 0, to: stream.count, by: size) {
        found += events.receive(stream[start..<min(start + size, stream.count)]).map {
          String(decoding: $0, as: UTF8.self)
        }
      }
      #expect(found == expected)
    }
  }

  @Test func `Delays double up to a limit, are jittered, and follow what the server asks`() {
    var policy = RetryPolicy()
    policy.firstDelay = 1
    policy.longestDelay = 10
    #expect(
      (1...6).map { policy.delay(failures: $0, retryAfter: 0, chance: 1) } == [1, 2, 4, 8, 10, 10])
    #expect(policy.delay(failures: 3, retryAfter: 0, chance: 0) == 2)
    #expect(policy.delay(failures: 1, retryAfter: 30, chance: 0) == 30)
    #expect(policy.delay(failures: 1, retryAfter: 1e9, chance: 0) == policy.longestRetryAfter)
    #expect(policy.delay(failures: 1_000_000, retryAfter: 0, chance: 0.5) == 7.5)
    #expect([408, 429, 500, 503].allSatisfy { RetryPolicy.isTemporary(status: $0) })
    #expect(![400, 401, 404, 501].contains { RetryPolicy.isTemporary(status: $0) })
  }
}
