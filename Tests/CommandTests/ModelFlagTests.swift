import Support
import Testing

@testable import foretoken

/// Flags that change what a model is taken to be.
@Suite struct ModelFlagTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func object(_ arguments: [String]) throws -> JSONValue {
    let outcome = try CommandLineTool.run(["generate", "-t", "1", "--json"] + arguments)
    try #require(outcome.status == 0, "\(outcome.errors)")
    return try JSONValue(parsing: outcome.text)
  }

  @Test func `A text goes on past the context with a window, and speculation changes nothing`()
    throws
  {
    let pair = try TinyPair(context: 128)
    let flags = ["hello", "-n", "400", "--ignore-eos", "-m", pair.target]
    let bounded = try object(flags + ["--no-speculation"])
    #expect(bounded["finish_reason"].string == "length")
    #expect(try #require(bounded["usage"]["completion_tokens"].int) < 128)
    let window = ["--attention-window", "64"]
    let plain = try object(flags + ["--no-speculation"] + window)
    #expect(plain["usage"]["completion_tokens"].int == 400)
    let drafted = try object(flags + ["-md", pair.draft, "--draft-tokens", "3"] + window)
    #expect(drafted["text"].string == plain["text"].string)
    #expect(try #require(drafted["timings"]["draft_n_accepted"].int) > 0)
    // What is within the context is the same text.
    let text = try #require(bounded["text"].string)
    #expect(try #require(plain["text"].string).hasPrefix(text.prefix(40)))
  }

  @Test(arguments: ["1", "0", "-5"])
  func `A window that no block fits in is refused`(window: String) throws {
    let model = try TinyModel().write("m", in: folder)
    let outcome = try CommandLineTool.run(
      ["generate", "x", "-m", model, "--attention-window=\(window)"])
    #expect([64, 65].contains(outcome.status))
    #expect(outcome.errors.contains("window"))
  }

  @Test func `A chat format that is named goes before the model's own`() throws {
    let own = try TinyModel().write("own", in: folder)
    let none = try TinyModel(chatTemplate: nil).write("none", in: folder)
    let flags = ["hello", "-n", "12", "-m"]
    let chatml = try object(flags + [own])
    for model in [own, none] {
      let named = try object(flags + [model, "--chat-template", "chatml"])
      #expect(named["text"].string == chatml["text"].string)
      #expect(named["usage"]["prompt_tokens"].int == chatml["usage"]["prompt_tokens"].int)
      let other = try object(flags + [model, "--chat-template", "zephyr"])
      #expect(other["usage"]["prompt_tokens"].int != chatml["usage"]["prompt_tokens"].int)
    }
    let raw = try object(flags + [none, "--raw"])
    #expect(raw["usage"]["prompt_tokens"].int == 5)
  }

  @Test
  func `A model without a chat format, and a format that nobody knows, are errors with advice`()
    throws
  {
    let none = try TinyModel(chatTemplate: nil).write("none", in: folder)
    let silent = try CommandLineTool.run(["generate", "hello", "-m", none])
    #expect(silent.status == 65)
    #expect(silent.errors.contains("--chat-template") && silent.errors.contains("--raw"))
    let strange = try TinyModel(chatTemplate: "{{ raise_exception('no') }}")
      .write("strange", in: folder)
    #expect(try CommandLineTool.run(["generate", "hello", "-m", strange]).status == 65)
    let unknown = try CommandLineTool.run(
      ["generate", "hello", "-m", none, "--chat-template", "klingon"])
    #expect([64, 65].contains(unknown.status))
    #expect(unknown.errors.contains("klingon") && unknown.errors.contains("chatml"))
  }
}
