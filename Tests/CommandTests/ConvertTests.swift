import Support
import Testing

@testable import foretoken

@Suite struct ConvertTests {
  private let pair: TinyPair

  init() throws { pair = try TinyPair() }

  @Test func `A converted pair writes the text of the one that it was made from`() throws {
    let (target, draft) = (pair.folder.path + "/t", pair.folder.path + "/d")
    for (source, output) in [(pair.target, target), (pair.draft, draft)] {
      let outcome = try CommandLineTool.run(["convert", source, "-o", output])
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(outcome.errors.contains(" tensors, "))
    }
    let flags = ["hello", "-n", "20", "-t", "1", "--draft-tokens", "3"]
    let ours = try CommandLineTool.run(["generate", "-m", target, "-md", draft] + flags)
    let theirs = try CommandLineTool.run(pair.generate(flags))
    #expect(ours.status == 0 && !ours.text.isEmpty)
    #expect(ours.text == theirs.text)
  }

  @Test func `A folder that is there is not touched, and a source that is not there is named`()
    throws
  {
    let there = try CommandLineTool.run(["convert", pair.target, "-o", pair.draft])
    #expect(there.status == 64)
    #expect(there.errors.contains("is there already"))
    let nowhere = try CommandLineTool.run(
      ["convert", pair.target, "-o", pair.folder.path + "/no/x"])
    #expect(nowhere.status == 66)
    #expect(nowhere.errors.contains("/no/x: cannot be created: No such file or directory"))
    #expect(try CommandLineTool.run(["convert", pair.target, "-o", ""]).status == 64)
    let missing = try CommandLineTool.run(
      ["convert", pair.folder.path + "/none.gguf", "-o", pair.folder.path + "/x"])
    #expect(missing.status == 66)
    #expect(missing.errors.contains("none.gguf: there is no such folder or file"))
  }
}
