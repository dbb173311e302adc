import FoundationEssentials
import Support
import Testing

@testable import foretoken

@Suite struct GenerateTests {
  private let pair: TinyPair

  init() throws { pair = try TinyPair() }

  @Test("Speculation changes no greedy token", arguments: [1, 2, 3, 8])
  func plainEqualsSpeculative(_ draftTokens: Int) throws {
    let plain = try pair.json("hello", "-n", "120", "--no-speculation")
    let drafted = try pair.json("hello", "-n", "120", "--draft-tokens", "\(draftTokens)")
    #expect(plain["tokens"] == drafted["tokens"])
    #expect(plain["text"] == drafted["text"])
    #expect(plain["timings"]["draft_n"].int == 0)
    let accepted = try #require(drafted["timings"]["draft_n_accepted"].int)
    #expect(accepted > 0)
    #expect(accepted < drafted["timings"]["draft_n"].int ?? 0)
  }

  @Test(
    "No policy and no way to judge changes a greedy token, or a seed's text when draws are coupled",
    arguments: ["cost-aware", "fixed:3+lookup", "prompt-lookup", "confidence", "bandit"],
    VerificationChoice.allCases)
  func policies(_ policy: String, _ verification: VerificationChoice) throws {
    let common = ["hello", "-n", "60", "--verification", verification.rawValue]
    let sampling = ["--temp", "1", "--seed", "3"]
    for flags in verification == .coupled ? [[], sampling] : [[]] {
      let arguments = common + flags + ["--json"]
      let plain = try CommandLineTool.run(pair.generate(arguments + ["--no-speculation"]))
      let drafted = try CommandLineTool.run(pair.generate(arguments + ["--draft-policy", policy]))
      #expect(drafted.status == 0, "\(drafted.errors)")
      let (expected, found) = try (
        JSONValue(parsing: plain.text), JSONValue(parsing: drafted.text)
      )
      #expect(found["tokens"] == expected["tokens"])
      #expect(found["policy"].string?.hasPrefix(policy) == true)
      #expect(found["verification"].string == verification.rawValue)
    }
  }

  @Test("A draft with other tokens, or with other padding, changes no token of the text")
  func otherVocabularies() throws {
    let merges = ["t h", "th e", "o n", "a n", "an d", "Ġ a", "o u"]
    let translated = try TinyModel(noise: 0.15, merges: merges).write("other", in: pair.folder)
    let padded = try TinyModel(noise: 0.15, padding: 16).write("padded", in: pair.folder)
    let plain = try pair.json("hello", "-n", "80", "--no-speculation")
    for (draft, warning) in [(translated, "token 258"), (padded, nil)] {
      for policy in ["fixed:3", "cost-aware", "confidence"] {
        let outcome = try CommandLineTool.run(
          pair.generate(
            "hello", "-n", "80", "-md", draft, "--draft-policy", policy, "--json"))
        try #require(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.errors.contains(warning ?? "") && (warning != nil || outcome.errors == ""))
        let drafted = try JSONValue(parsing: outcome.text)
        #expect(drafted["tokens"] == plain["tokens"])
        if policy == "fixed:3" { #expect(try #require(drafted["timings"]["draft_n"].int) > 20) }
      }
    }
    // The other way round: a draft without the target's padding.
    let outcome = try CommandLineTool.run(
      ["generate", "-m", padded, "-md", pair.draft, "hello", "-n", "40", "--draft-tokens", "3"])
    let alone = try CommandLineTool.run(["generate", "-m", padded, "hello", "-n", "40"])
    #expect(outcome.status == 0 && outcome.text == alone.text, "\(outcome.errors)")
  }

  @Test func `The prompt comes from an argument, a flag, a file or stdin`() throws {
    try pair.folder.write("prompt.txt", Array("two\nlines\n".utf8))
    let file = pair.folder.path + "/prompt.txt"
    let text = "two\nlines"
    let outcomes = try [
      CommandLineTool.run(pair.generate("-n", "40", text)),
      CommandLineTool.run(pair.generate("-n", "40", "--prompt", text)),
      CommandLineTool.run(pair.generate("-n", "40", "--prompt-file", file)),
      CommandLineTool.run(pair.generate("-n", "40"), input: text + "\n"),
      CommandLineTool.run(pair.generate("-n", "40", "-"), input: text + "\r\n"),
      CommandLineTool.run(pair.generate("-n", "40", "-p", "-"), input: text),
    ]
    for outcome in outcomes {
      #expect(outcome.status == 0)
      #expect(outcome.text == outcomes[0].text)
      #expect(outcome.errors == "")
    }
    #expect(outcomes[0].text.count > 20)
    #expect(outcomes[0].text.hasSuffix("\n"))
  }

  @Test func `The models can be named by the environment, and a flag goes before it`() throws {
    let environment = ["FORETOKEN_MODEL": pair.target, "FORETOKEN_DRAFT_MODEL": pair.draft]
    let named = try CommandLineTool.run(
      ["generate", "hello", "-n", "20", "--json", "--draft-tokens", "2"], environment: environment)
    #expect(try JSONValue(parsing: named.text)["timings"]["draft_n"].int ?? 0 > 0)
    let missing = try CommandLineTool.run(
      ["generate", "hello", "-m", "/nowhere"], environment: environment)
    #expect(missing.status == 66)
  }

  @Test func `A stop string ends the answer at the same place with and without a draft`() throws {
    let whole = try #require(try pair.json("hello", "-n", "80")["text"].string)
    let start = whole.index(whole.startIndex, offsetBy: 30)
    let stop = String(whole[start...].prefix(4))
    let plain = try pair.json("hello", "-n", "80", "--stop", stop, "--no-speculation")
    let expected = whole[..<(try #require(whole.firstRange(of: stop)).lowerBound)]
    #expect(plain["text"].string == String(expected))
    #expect(plain["finish_reason"].string == "stop")
    for draftTokens in ["1", "3", "8"] {
      let drafted = try pair.json(
        "hello", "-n", "80", "--stop", stop, "--draft-tokens", draftTokens)
      #expect(drafted["text"] == plain["text"])
      #expect(drafted["tokens"] == plain["tokens"])
      #expect(drafted["finish_reason"].string == "stop")
    }
  }

  @Test func `A seed gives the same draw again, and the seed that was drawn is told`() throws {
    let drawn = try CommandLineTool.run(pair.generate("hello", "-n", "30", "--temp", "1"))
    let seed = try #require(drawn.errors.split(separator: " ").last).filter(\.isNumber)
    #expect(drawn.errors == "seed: \(seed)\n")
    let again = try CommandLineTool.run(
      pair.generate("hello", "-n", "30", "--temp", "1", "--seed", seed))
    #expect(again.text == drawn.text)
    #expect(again.errors == "")
    let quiet = try CommandLineTool.run(pair.generate("hello", "-n", "3", "--temp", "1", "-q"))
    #expect(quiet.errors == "")
    let object = try pair.json("hello", "-n", "30", "--temp", "1", "--seed", seed)
    #expect("\(object["seed"].int ?? -1)" == seed)
    #expect(object["text"].string.map { $0 + "\n" } == drawn.text)
  }

  @Test func `JSON has the text, its tokens, why it ended, usage and timings`() throws {
    let object = try pair.json("hello", "-n", "50")
    #expect(object["finish_reason"].string == "length")
    #expect(object["tokens"].count == 50)
    #expect(object["usage"]["completion_tokens"].int == 50)
    let prompt = try #require(object["usage"]["prompt_tokens"].int)
    #expect(object["usage"]["total_tokens"].int == prompt + 50)
    #expect(object["timings"]["prompt_n"].int == prompt)
    #expect(object["timings"]["predicted_n"].int == 50)
    let accepted = try #require(object["timings"]["draft_n_accepted"].int)
    // Every round adds what it accepted and a token of the target's own; so does reading the prompt.
    #expect(object["timings"]["rounds"].int.map { 1 + $0 + accepted } ?? 0 >= 50)
    #expect(object["seed"] == .null)
  }

  @Test func `Statistics go to stderr, and the text stays as it is`() throws {
    let plain = try CommandLineTool.run(pair.generate("hello", "-n", "40"))
    let stats = try CommandLineTool.run(pair.generate("hello", "-n", "40", "--stats", "-v"))
    #expect(stats.text == plain.text)
    let lines = stats.errors.split(separator: "\n").map(String.init)
    #expect(
      lines.map { $0.prefix { $0 != ":" } } == [
        "target", "draft", "draft", "answer", "seconds", "accepted by position",
      ])
    #expect(
      try #/draft: \d+ proposed, \d+ accepted \(\d+\.\d %\), \d\.\d\d tokens/round by fixed:3/#
        .wholeMatch(in: lines[2]) != nil)
    let alone = try CommandLineTool.run(
      pair.generate("hello", "-n", "5", "--stats", "--no-speculation"))
    #expect(alone.errors.hasPrefix("draft: none, decoded plainly\nanswer: 5 tokens, "))
  }

  @Test func `Accepted drafts are green, and without colours the text is what it was`() throws {
    let plain = try CommandLineTool.run(pair.generate("hello", "-n", "40"))
    let green = try CommandLineTool.run(
      pair.generate("hello", "-n", "40", "--show-drafts", "--color", "always"))
    #expect(green.text.contains("\u{1B}[32m"))
    let bare = green.text.replacing("\u{1B}[32m", with: "").replacing("\u{1B}[0m", with: "")
    #expect(bare == plain.text)
    #expect(green.errors.contains("accepted drafts"))
    let struck = try CommandLineTool.run(
      pair.generate("hello", "-n", "40", "--show-drafts", "--color", "always", "-v"))
    #expect(struck.text.contains("\u{1B}[2;9m"))
    let pipe = try CommandLineTool.run(pair.generate("hello", "-n", "40", "--show-drafts"))
    #expect(pipe.text == plain.text)
    #expect(pipe.errors.contains("--color always"))
  }

  @Test func `Raw text goes to the model without its chat format, known or not`() throws {
    let chat = try pair.json("hello", "-n", "1")
    let raw = try pair.json("hello", "-n", "1", "--raw")
    #expect(raw["usage"]["prompt_tokens"].int == 5)
    #expect(chat["usage"]["prompt_tokens"].int ?? 0 > 5)
    for template in [nil, "{{ messages }}"] as [String?] {
      let model = try TinyModel(chatTemplate: template).write("other", in: pair.folder)
      let refused = try CommandLineTool.run(["generate", "-m", model, "hello"])
      #expect(refused.status == 65)
      #expect(refused.errors.contains("chat_template"))
      let raw = try CommandLineTool.run(["generate", "-m", model, "hello", "--raw", "-n", "3"])
      #expect(raw.status == 0)
    }
  }
}
