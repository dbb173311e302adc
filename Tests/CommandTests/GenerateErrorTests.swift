import FoundationEssentials
import Support
import Testing

@testable import foretoken

@Suite struct GenerateErrorTests {
  private let pair: TinyPair

  init() throws { pair = try TinyPair() }

  private func expectError(
    _ outcome: Program.Outcome, _ status: Int32, _ text: String,
    location: SourceLocation = #_sourceLocation
  ) {
    #expect(outcome.status == status, sourceLocation: location)
    #expect(outcome.text == "", sourceLocation: location)
    let lines = outcome.errors.split(separator: "\n")
    #expect(lines.count == 1, "\(outcome.errors)", sourceLocation: location)
    #expect(
      outcome.errors.hasPrefix("foretoken: error: ") && outcome.errors.contains(text),
      "\(outcome.errors)", sourceLocation: location)
  }

  @Test func `Input that says nothing`() throws {
    for input in ["", "\n", " \t\n"] {
      expectError(
        try CommandLineTool.run(pair.generate(), input: input), 65, "stdin: the prompt is empty")
    }
    expectError(try CommandLineTool.run(pair.generate("")), 65, "prompt: the prompt is empty")
    expectError(try CommandLineTool.run(pair.generate("--jsonl")), 65, "stdin: holds no request")
  }

  @Test func `Input that is not UTF-8, with the byte`() throws {
    let bytes = Array("käse ".utf8) + [0xFF, 0x41]
    expectError(
      try CommandLineTool.run(pair.generate(), bytes: bytes), 65, "stdin: byte 6: is not UTF-8")
    try pair.folder.write("prompt.txt", [0x61, 0xE2, 0x82])
    let file = pair.folder.path + "/prompt.txt"
    expectError(
      try CommandLineTool.run(pair.generate("-f", file)), 65, "prompt.txt: byte 1: is not UTF-8")
  }

  @Test func `A prompt file that is not there, or is none`() throws {
    let path = pair.folder.path
    expectError(try CommandLineTool.run(pair.generate("-f", path + "/no.txt")), 66, "no.txt")
    expectError(try CommandLineTool.run(pair.generate("-f", path)), 74, "cannot be read")
  }

  @Test func `A prompt longer than the context`() throws {
    let text = String(repeating: "hello ", count: 200)
    expectError(
      try CommandLineTool.run(pair.generate("--raw"), input: text), 65,
      "the prompt has 1200 tokens, the model's context holds 512")
  }

  @Test func `Models that are not there`() throws {
    expectError(try CommandLineTool.run(["generate", "-m", "/nowhere", "x"]), 66, "/nowhere")
    let weights = pair.target + "/model.safetensors"
    try FileManager.default.removeItem(atPath: weights)
    expectError(try CommandLineTool.run(pair.generate("x")), 66, "model.safetensors")
  }

  @Test func `Folders that are not all of a model, with what to do`() throws {
    let folder = pair.folder.path
    func outcome(_ model: String) throws -> Program.Outcome {
      try CommandLineTool.run(["generate", "x", "-m", model])
    }
    expectError(try outcome(""), 66, "\"\": there is no such folder or file")
    expectError(
      try outcome(pair.target + "/model.safetensors"), 66, "name the folder that it is in")
    try FileManager.default.removeItem(atPath: pair.target + "/tokenizer.json")
    expectError(
      try outcome(pair.target), 66, "tokenizer.json: there is no such file (a model's folder has")
    try pair.folder.write("target/tokenizer.model", [1])
    expectError(try outcome(pair.target), 66, "tokenizer.model is not read")
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 7\n"
    for name in ["draft/model.safetensors", "x.gguf"] { try pair.folder.write(name, pointer.utf8) }
    expectError(try outcome(pair.draft), 65, "Git LFS's pointer to it (\"git lfs pull\"")
    expectError(try outcome(folder + "/x.gguf"), 65, "Git LFS's pointer")
  }

  @Test func `Weights that were cut, and weights of another model`() throws {
    let weights = pair.draft + "/model.safetensors"
    let bytes = try Data(contentsOf: URL(filePath: weights))
    try pair.folder.write("draft/model.safetensors", bytes.dropLast(100))
    expectError(try CommandLineTool.run(pair.generate("x")), 65, "model.safetensors")
    let configuration = pair.draft + "/config.json"
    let text = try String(contentsOf: URL(filePath: configuration), encoding: .utf8)
    try pair.folder.write("draft/model.safetensors", bytes)
    try pair.folder.write(
      "draft/config.json",
      Array(text.replacing("\"num_hidden_layers\": 2", with: "\"num_hidden_layers\": 1").utf8))
    let fewer = try CommandLineTool.run(pair.generate("x", "-n", "2"))
    #expect(fewer.status == 0, "a draft may have fewer layers than its file: \(fewer.errors)")
    try pair.folder.write(
      "draft/config.json",
      Array(text.replacing("\"hidden_size\": 32", with: "\"hidden_size\": 24").utf8))
    expectError(try CommandLineTool.run(pair.generate("x")), 65, "config.json")
  }

  @Test func `Heads of a draft whose tokens are not the target's, with the first that differs`()
    throws
  {
    let other = try TinyModel(merges: ["t h", "th e", "o n", "a n", "an d"])
      .write("other", in: pair.folder)
    try pair.folder.write("prompts.jsonl", Array(#"{"prompt": "x"}"#.utf8))
    let prompts = pair.folder.path + "/prompts.jsonl"
    for command in [
      ["head", "collect", "-o", pair.folder.path + "/samples", prompts],
      ["generate", "--heads", pair.folder.path + "/heads", "x"],
    ] {
      let outcome = try CommandLineTool.run(command + ["-m", pair.target, "-md", other, "-q"])
      expectError(outcome, 65, "token 258 is \"in\" in the one and \"on\" in the other")
    }
  }

  @Test(
    "Flags that make no sense",
    arguments: [
      ["x", "-p", "y"], ["x", "--jsonl"], ["--jsonl", "--show-drafts"], ["x", "-n", "0"],
      ["x", "--temperature", "-1"], ["x", "--top-p", "0"], ["x", "--min-p", "2"],
      ["x", "--draft-tokens", "65"], ["x", "--threads", "0"], ["x", "--dtype", "f8"],
      ["x", "--stop", ""], ["x", "-q", "-v"], ["x", "--nonsense"],
    ])
  func usage(_ arguments: [String]) throws {
    let outcome = try CommandLineTool.run(pair.generate() + arguments)
    #expect(outcome.status == 64)
    #expect(outcome.text == "")
    #expect(outcome.errors.contains("Usage: foretoken generate"))
  }
}
