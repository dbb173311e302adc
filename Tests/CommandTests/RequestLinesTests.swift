import Support
import Testing

@testable import foretoken

@Suite struct RequestLinesTests {
  private let pair: TinyPair

  init() throws { pair = try TinyPair() }

  private func run(_ lines: String..., arguments: [String] = []) throws -> Program.Outcome {
    try CommandLineTool.run(
      pair.generate("--jsonl") + arguments, input: lines.joined(separator: "\n"))
  }

  @Test func `Requests are answered in order, as the command answers them alone`() throws {
    let outcome = try run(
      #"{"id": "a", "prompt": "hello", "max_tokens": 20}"#, "",
      #"{"id": 7, "messages": [{"role": "user", "content": "bye"}], "draft_tokens": 0}"#,
      #"{"prompt": "raw", "raw": true, "temperature": 1, "seed": 9, "stop": null}"#,
      arguments: ["-n", "30"])
    #expect(outcome.status == 0)
    #expect(outcome.errors == "")
    let events = try outcome.events
    #expect(events.allSatisfy { ["text", "result"].contains($0["event"].string) })
    let results = events.filter { $0["event"].string == "result" }
    #expect(results.map { $0["line"].int } == [1, 3, 4])
    #expect(results.map { $0["id"] } == [.text("a"), .whole(7), .null])
    #expect(results.map { $0["tokens"].count } == [20, 30, 30])
    #expect(events.compactMap { $0["line"].int } == events.compactMap { $0["line"].int }.sorted())
    for result in results {
      let parts = events.filter { $0["event"].string == "text" && $0["line"] == result["line"] }
      #expect(parts.compactMap { $0["text"].string }.joined() == result["text"].string)
      #expect(parts.count > 1)
    }
    let alone = try [
      pair.json("hello", "-n", "20"), pair.json("bye", "-n", "30"),
      pair.json("raw", "--raw", "-n", "30", "--temp", "1", "--seed", "9"),
    ]
    #expect(results.map { $0["text"] } == alone.map { $0["text"] })
    #expect(results.map { $0["tokens"] } == alone.map { $0["tokens"] })
    #expect(results[1]["timings"]["draft_n"].int == 0)
  }

  @Test func `A bad line is an error event and the others go on`() throws {
    let wrong: [(line: String, message: String)] = [
      ("no JSON", "the line: is not valid JSON"),
      ("[1]", "the line: expected a JSON object, found a list"),
      ("{}", #"expected either "prompt" or "messages""#),
      (#"{"prompt": "x", "messages": []}"#, #"expected either "prompt" or "messages""#),
      (#"{"prompt": 5}"#, "prompt: expected a string, found 5"),
      (#"{"prompt": " "}"#, "prompt: the prompt is empty"),
      (#"{"messages": []}"#, "messages: expected a list of messages, found a list"),
      (
        #"{"messages": [{"role": "wizard", "content": "x"}]}"#,
        #"messages[0].role: expected one of "system", "user", "assistant", found "wizard""#
      ),
      (#"{"messages": [{"role": "user"}]}"#, "messages[0].content: expected a string, found null"),
      (
        #"{"prompt": "x", "max_tokens": 1.5}"#,
        "max_tokens: expected a whole number of 1 or more, found 1.5"
      ),
      (#"{"prompt": "x", "temperature": -1}"#, "temperature: expected 0 to 100, found -1.0"),
      (#"{"prompt": "x", "top_p": "1"}"#, #"top_p: expected a number, found "1""#),
      (
        #"{"prompt": "x", "draft_tokens": 99}"#,
        "draft_tokens: expected a whole number of 0 to 64, found 99"
      ),
      (#"{"prompt": "x", "raw": 1}"#, "raw: expected true or false, found 1"),
      (
        #"{"prompt": "x", "stop": [""]}"#,
        "stop: expected a string that is not empty, or a list of such, found a list"
      ),
      (#"{"prompt": "x", "id": 1.5}"#, "id: expected a string or a whole number, found 1.5"),
    ]
    let good = #"{"prompt": "x", "max_tokens": 2}"#
    let outcome = try CommandLineTool.run(
      pair.generate("--jsonl", "--json"),
      input: wrong.map { "\($0.line)\n\(good)\n" }.joined())
    let events = try outcome.events
    try #require(events.count == 2 * wrong.count)
    for (index, (_, message)) in wrong.enumerated() {
      let event = events[2 * index]
      #expect(event["event"].string == "error")
      #expect(event["line"].int == 2 * index + 1)
      #expect(event["error"]["code"].int == 65)
      #expect(event["error"]["message"].string == message)
      #expect(events[2 * index + 1]["tokens"].count == 2)
    }
    #expect(outcome.status == 65)
    #expect(outcome.errors.contains("\(wrong.count) of \(2 * wrong.count) requests failed"))
  }

  @Test func `A line that is not UTF-8 and a prompt that is too long fail alone`() throws {
    let long = String(repeating: "hello ", count: 200)
    let bytes =
      Array(#"{"id": "u", "prompt": "a"#.utf8) + [0xFF]
      + Array("\"}\n{\"id\": \"l\", \"raw\": true, \"prompt\": \"\(long)\"}\n".utf8)
      + Array(#"{"id": "g", "prompt": "x", "max_tokens": 1}"#.utf8)
    let outcome = try CommandLineTool.run(pair.generate("--jsonl", "--json"), bytes: bytes)
    let events = try outcome.events
    #expect(events.map { $0["event"].string } == ["error", "error", "result"])
    #expect(events[0]["error"]["message"].string == "the line: byte 24: is not UTF-8")
    #expect(events[1]["id"].string == "l")
    #expect(events[1]["error"]["message"].string?.contains("context holds 512") == true)
  }

  @Test func `A key that is unknown is told once`() throws {
    let line = #"{"prompt": "x", "max_token": 3, "max_tokens": 1}"#
    let outcome = try run(line, line, arguments: ["--json"])
    #expect(outcome.status == 0)
    #expect(outcome.errors == "line 1: the key \"max_token\" is unknown and ignored\n")
  }

  @Test func `Answers come while the input is open`() throws {
    let program = try CommandLineTool.start(pair.generate("--jsonl", "--json"))
    for prompt in ["one", "two"] {
      try program.write(Array("{\"prompt\": \"\(prompt)\", \"max_tokens\": 4}\n".utf8))
      var bytes: [UInt8] = []
      while bytes.last != UInt8(ascii: "\n") { bytes += try program.read() }
      let event = try JSONValue(parsing: String(decoding: bytes, as: UTF8.self))
      #expect(event["tokens"].count == 4)
    }
    program.closeInput()
    #expect(try program.finish().status == 0)
  }

  @Test func `Lines without a seed of their own have one each`() throws {
    let line = #"{"prompt": "x", "temperature": 1, "max_tokens": 12}"#
    let outcome = try run(line, line, arguments: ["--json", "--seed", "40"])
    let events = try outcome.events
    #expect(events.map { $0["seed"].int } == [40, 41])
    #expect(events[0]["text"] != events[1]["text"])
    let again = try pair.json("x", "--temp", "1", "-n", "12", "--seed", "41")
    #expect(again["text"] == events[1]["text"])
  }
}
