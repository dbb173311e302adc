import Testing

@testable import foretoken

@Suite struct PromptFileTests {
  private func read(_ lines: String..., limit: Int? = nil) throws -> [Prompt] {
    let folder = try TemporaryFolder()
    try folder.write("mine.jsonl", Array(lines.joined(separator: "\n").utf8))
    return try PromptFile.read(path: folder.path + "/mine.jsonl", limit: limit)
  }

  @Test func `Rows of Alpaca, GSM8K and HumanEval are taken as they are`() throws {
    let prompts = try read(
      #"{"instruction": "Sort.", "input": "b, a", "output": "a, b"}"#,
      #"{"instruction": "Say hello.", "input": "", "output": "Hello"}"#,
      #"{"question": "1 + 1?", "answer": "2"}"#,
      #"{"task_id": "HumanEval/0", "prompt": "def f():", "entry_point": "f", "test": ""}"#,
      #"{"id": 7, "prompt": "Hello"}"#, #"{"text": "Once"}"#)
    #expect(
      prompts.map(\.text) == [
        "Sort.\nInput: b, a", "Say hello.", "1 + 1?\nLet's think step by step.",
        "Create a Python script for this problem:\ndef f():", "Hello", "Once",
      ])
    #expect(prompts.map(\.id) == ["1", "2", "3", "HumanEval/0", "7", "6"])
    #expect(Set(prompts.map(\.set)) == ["mine"])
  }

  @Test func `A source that all rows share names the set and its wording`() throws {
    let maths = try read(#"{"source": "gsm8k", "id": "a", "instruction": "2 + 2?", "input": ""}"#)
    #expect(
      maths == [Prompt(set: "gsm8k", id: "a", text: "2 + 2?\nLet's think step by step.")])
    let mixed = try read(
      #"{"source": "a", "text": "x"}"#, "", #"{"source": "b", "text": "y"}"#)
    #expect(mixed.map(\.set) == ["mine", "mine"])
  }

  @Test func `No more than asked for are read`() throws {
    #expect(try read(#"{"text": "a"}"#, #"{"text": "b"}"#, "garbage", limit: 2).count == 2)
  }

  @Test(
    "A line that is no prompt is named",
    arguments: ["garbage", "[1]", #"{"text": 1}"#, #"{"answer": "x"}"#, #"{"text": " "}"#])
  func refusals(_ line: String) {
    let error = #expect(throws: CommandError.self) { try read(#"{"text": "a"}"#, line) }
    #expect(error?.status == Failure.badData)
    #expect(error?.description.contains("mine.jsonl:2: ") == true)
  }

  @Test func `A file without prompts is an error`() {
    #expect(throws: CommandError.self) { try read("", "") }
  }
}
